/** Small seeded networks for the tests of the optimizers, and the dense Gauss–Newton matrices of their layers. */
import * as tf from '@tensorflow/tfjs-core';
import { captureLayers, createObjective, createRandom } from '@apo/core';
import type { LossName, Objective, SupervisedBatch } from '@apo/core';

let instances = 0;

/** Standard normal values times `scale`. */
export function normal(shape: number[], seed: number, scale = 1): tf.Tensor {
  const random = createRandom(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * random.normal()),
    shape,
  );
}

export interface Network {
  readonly variables: tf.Variable[];
  readonly objective: Objective<SupervisedBatch>;
  dispose(): void;
}

export interface NetworkOptions {
  readonly sizes: readonly number[];
  readonly loss?: LossName;
  readonly activation?: (x: tf.Tensor) => tf.Tensor;
  readonly bias?: boolean;
  readonly seed?: number;
  readonly scale?: number;
}

/** A multilayer perceptron; the last layer is linear. Names are the same for every instance but for a prefix. */
export function network({
  sizes,
  loss = 'squared-error',
  activation = tf.tanh,
  bias = true,
  seed = 1,
  scale = 0.7,
}: NetworkOptions): Network {
  const prefix = `net${instances++}`;
  const variable = (initial: tf.Tensor, name: string): tf.Variable => {
    const made = tf.variable(initial, true, `${prefix}/${name}`);
    initial.dispose();
    return made;
  };
  const layers = sizes.slice(1).map((size, i) => ({
    kernel: variable(normal([sizes[i]!, size], seed + 2 * i, scale), `dense${i + 1}/kernel`),
    ...(bias && { bias: variable(normal([size], seed + 2 * i + 1, 0.3), `dense${i + 1}/bias`) }),
  }));
  const variables = layers.flatMap((layer) => (layer.bias ? [layer.kernel, layer.bias] : [layer.kernel]));
  const objective = createObjective({
    variables,
    loss,
    predict: ({ inputs }) =>
      layers.reduce((x, layer, i) => {
        const product: tf.Tensor = tf.matMul(x, layer.kernel);
        const y: tf.Tensor = layer.bias ? tf.add(product, layer.bias) : product;
        return i === layers.length - 1 ? y : activation(y);
      }, inputs),
  });
  return { variables, objective, dispose: () => tf.dispose(variables) };
}

/**
 * The exact Gauss–Newton matrix E[Jᵀ H J] of one kernel (bias as one more row, elements row by row), by one backward pass per
 * example and output: F = 1/N Σ over n, c of vec(x̄ₙ (Jₙᵀ s_c)ᵀ) vec(…)ᵀ, where Σ s sᵀ = H is what `columns` gives for example n.
 */
export function gaussNewtonBlock(
  net: Network,
  batch: SupervisedBatch,
  kernel: string,
  columns: (output: tf.Tensor) => tf.Tensor[],
): { matrix: Float64Array; side: number } {
  let result: { matrix: Float64Array; side: number } | undefined;
  tf.tidy(() => {
    const { uses, examples } = captureLayers(
      net.objective,
      { batch, seed: 0 },
      { cotangents: ([output]) => columns(output!).map((column) => [column]) },
    );
    const [use] = uses.filter((one) => one.kind === 'dense' && one.kernel.endsWith(kernel));
    if (use?.kind !== 'dense') throw new Error(`no dense layer ${kernel}`);
    const [inputs, rows] = [use.inputs.arraySync() as number[][], use.bias === undefined ? 0 : 1];
    const side = (use.matrixShape[0] + rows) * use.matrixShape[1];
    const matrix = new Float64Array(side * side);
    for (const gradient of use.cotangentGradients) {
      const deltas = gradient.arraySync() as number[][];
      inputs.forEach((x, n) => {
        const bar = rows === 1 ? [...x, 1] : x;
        const g = bar.flatMap((value) => deltas[n]!.map((delta) => value * delta));
        for (let i = 0; i < side; i++)
          for (let j = 0; j < side; j++) matrix[i * side + j]! += (g[i]! * g[j]!) / examples;
      });
    }
    result = { matrix, side };
  });
  return result!;
}
