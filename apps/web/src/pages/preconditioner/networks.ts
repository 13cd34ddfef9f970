/** The two autoencoders of the page, by their widths; no tensors. */
import type { NetworkName } from './settings.js';

/** Images are averaged over squares of 2 × 2 pixels. */
export const BLOCK = 2;
export const SIDE = 14;
export const PIXELS = SIDE * SIDE;

export interface Network {
  /** From the pixels to the code and back. */
  readonly sizes: readonly number[];
  /** Of each hidden layer; the code is linear. */
  readonly activations: readonly ('relu' | 'sigmoid' | 'linear')[];
  readonly initializer: 'he-normal' | 'glorot-uniform-sigmoid';
}

/** `small` learns in a minute in a tab; `deep` is the network of the task `autoencoder-tiny`. */
export const NETWORKS_BY_NAME: Readonly<Record<NetworkName, Network>> = {
  small: {
    sizes: [PIXELS, 64, 16, 64, PIXELS],
    activations: ['relu', 'linear', 'relu'],
    initializer: 'he-normal',
  },
  deep: {
    sizes: [PIXELS, 100, 50, 25, 10, 25, 50, 100, PIXELS],
    activations: ['sigmoid', 'sigmoid', 'sigmoid', 'linear', 'sigmoid', 'sigmoid', 'sigmoid'],
    initializer: 'glorot-uniform-sigmoid',
  },
};

/** One layer and its block of the preconditioner. */
export interface Layer {
  /** 1 for the first. */
  readonly number: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Side of B, rows of S: the inputs, and one row for the bias. */
  readonly rows: number;
  /** Side of A, columns of S. */
  readonly columns: number;
}

/** The layers of a network in order. */
export function layersOf(name: NetworkName): readonly Layer[] {
  const { sizes } = NETWORKS_BY_NAME[name];
  return sizes.slice(1).map((outputs, i) => ({
    number: i + 1,
    inputs: sizes[i]!,
    outputs,
    rows: sizes[i]! + 1,
    columns: outputs,
  }));
}

/** Layer `number`, or the last one of a network that has fewer. */
export function layerOf(name: NetworkName, number: number): Layer {
  const layers = layersOf(name);
  return layers[number - 1] ?? layers.at(-1)!;
}
