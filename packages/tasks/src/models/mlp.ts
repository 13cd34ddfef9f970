/** Multilayer perceptron: dense layers with activations between them, and raw outputs (logits) at the end. */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom, requireArgument, requireInteger } from '@apo/core';
import { requireFreeNames } from './free-names.js';
import { denseLayer } from './dense-layer.js';
import { requireInitializer } from './initialize.js';
import type { Initializer } from './initialize.js';
import type { Model } from './model.js';

export type Activation = 'relu' | 'tanh' | 'sigmoid' | 'linear';

export interface MlpOptions {
  /** Widths from input to output, at least two: `[784, 256, 256, 10]` has three layers. */
  readonly sizes: readonly number[];
  /** Of every hidden layer, or a list with one for each; default `relu`. `linear` changes nothing. */
  readonly activation?: Activation | readonly Activation[];
  /** Default true; false leaves the biases out of every layer. */
  readonly bias?: boolean;
  /** Of the initial kernels; biases start at zero. */
  readonly seed: number;
  /** Of every layer. Default: `he-normal` when all hidden layers are ReLU, `glorot-uniform` otherwise. */
  readonly initializer?: Initializer;
  /** Prefix of the variables' names; needed when two models live at the same time, since names are unique in a program. */
  readonly name?: string;
}

const activations: Readonly<Record<Activation, (x: tf.Tensor) => tf.Tensor>> = {
  relu: tf.relu,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  linear: (x) => x,
};

/**
 * Builds the model. Its variables are `dense1/kernel` `[sizes[0], sizes[1]]`, `dense1/bias` `[sizes[1]]`,
 * `dense2/kernel`, …, after `name` and a slash when one is given. `predict` maps `[batch, sizes[0]]` to
 * `[batch, sizes.at(-1)]`.
 * @throws ApoError `INVALID_ARGUMENT` for fewer than two sizes, a size below 1, an unknown activation or initializer, a
 *   list of activations of another length, a seed that is not whole, or names that a living model already uses.
 */
export function mlp(options: MlpOptions): Model {
  const { sizes, bias: biased = true, seed, name } = options;
  requireArgument(
    sizes.length >= 2,
    () => `sizes is [${sizes.join(', ')}]; expected at least an input and an output width.`,
  );
  for (const size of sizes) requireInteger('Every entry of sizes', size, 1);
  const hidden = hiddenActivations(options.activation ?? 'relu', sizes.length - 2);
  const onlyRelu = [options.activation ?? 'relu'].flat().every((activation) => activation === 'relu');
  const { initializer = onlyRelu ? 'he-normal' : 'glorot-uniform' } = options;
  requireInitializer(initializer);
  const random = createRandom(seed);
  const prefix = name === undefined ? '' : `${name}/`;
  const names = sizes.slice(1).map((_, layer) => `${prefix}dense${layer + 1}`);
  requireFreeNames(names.flatMap((layer) => [`${layer}/kernel`, `${layer}/bias`]));

  const layers = names.map((layer, i) =>
    denseLayer(layer, [sizes[i]!, sizes[i + 1]!], { initializer, random, bias: biased }),
  );
  const variables = layers.flatMap((layer) => layer.variables);
  return {
    variables,
    predict: (inputs) =>
      tf.tidy(() =>
        layers.reduce<tf.Tensor>((x, layer, i) => {
          const output = layer.apply(x);
          return i === layers.length - 1 ? output : activations[hidden[i]!](output);
        }, inputs),
      ),
    dispose: () => variables.forEach((variable) => variable.dispose()),
  };
}

/** One activation for each of `count` hidden layers. */
function hiddenActivations(given: Activation | readonly Activation[], count: number): readonly Activation[] {
  const list = typeof given === 'string' ? new Array<Activation>(count).fill(given) : given;
  requireArgument(
    list.length === count,
    () => `activation has ${list.length} entries; expected ${count}, one for each hidden layer.`,
  );
  const unknown = [given].flat().find((activation) => !Object.hasOwn(activations, activation));
  requireArgument(
    unknown === undefined,
    () => `Unknown activation "${String(unknown)}"; expected one of ${Object.keys(activations).join(', ')}.`,
  );
  return list;
}
