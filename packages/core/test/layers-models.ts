/** Small models with seeded weights and data with a seed of its own, for the tests of what is built on tfjs-layers. */
import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../src/random.js';

/** Standard normal values; the caller disposes the tensor. */
export function normalTensor(shape: number[], seed: number): tf.Tensor {
  const random = createRandom(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** Class indices 0 … classes − 1. */
export function classIndices(count: number, classes: number, seed: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.integer(classes));
}

/** One-hot rows `[count, classes]`. */
export function oneHotTargets(count: number, classes: number, seed: number): tf.Tensor {
  return tf.tidy(() =>
    tf.cast(tf.oneHot(tf.tensor1d(classIndices(count, classes, seed), 'int32'), classes), 'float32'),
  );
}

interface DenseArgs {
  readonly units: number;
  readonly seed: number;
  readonly activation?: 'relu' | 'softmax' | 'sigmoid' | 'tanh' | 'linear';
  readonly inputShape?: number[];
  readonly l2?: number;
  readonly trainable?: boolean;
  readonly name?: string;
}

/** A dense layer whose kernel depends on `seed` alone. */
export function dense({ seed, l2, activation = 'linear', ...rest }: DenseArgs): tf.layers.Layer {
  return tf.layers.dense({
    ...rest,
    activation,
    kernelInitializer: tf.initializers.glorotUniform({ seed }),
    ...(l2 !== undefined && { kernelRegularizer: tf.regularizers.l2({ l2 }) }),
  });
}

/** 4 → 6 (tanh, BatchNorm, dropout with a fixed mask) → 3 (softmax), as a Sequential. */
export function sequentialClassifier(): tf.Sequential {
  return tf.sequential({
    layers: [
      dense({ units: 6, activation: 'tanh', inputShape: [4], seed: 1 }),
      tf.layers.batchNormalization({ momentum: 0.9 }),
      tf.layers.dropout({ rate: 0.25, seed: 7 }),
      dense({ units: 3, activation: 'softmax', seed: 2 }),
    ],
  });
}

/** The same as a functional model. */
export function functionalClassifier(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const hidden = dense({ units: 6, activation: 'tanh', seed: 1 }).apply(input);
  const normed = tf.layers.batchNormalization({ momentum: 0.9 }).apply(hidden);
  const dropped = tf.layers.dropout({ rate: 0.25, seed: 7 }).apply(normed);
  const output = dense({ units: 3, activation: 'softmax', seed: 2 }).apply(dropped);
  return tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
}

/** Inputs [4] and [2]; outputs `kind` [3] (softmax, ridge of 0.02) and `size` [2] (linear). */
export function twoByTwoModel(): tf.LayersModel {
  const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [2] })];
  const joined = tf.layers.concatenate().apply([a, b]);
  const hidden = dense({ units: 5, activation: 'tanh', seed: 3 }).apply(joined);
  const kind = dense({ units: 3, activation: 'softmax', seed: 4, l2: 0.02, name: 'kind' }).apply(hidden);
  const size = dense({ units: 2, seed: 5, name: 'size' }).apply(hidden);
  return tf.model({ inputs: [a, b], outputs: [kind, size] as tf.SymbolicTensor[] });
}

/** Values of all weights, in the model's order. */
export function weightValues(model: tf.LayersModel): number[][] {
  return model.getWeights().map((weight) => [...weight.dataSync()]);
}

/** The largest |a − b| over two lists of lists. */
export function largestDifference(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number {
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i]![j]!))));
}

/** What `fitDataset` takes. */
export type FitDataset = Parameters<tf.LayersModel['fitDataset']>[0];

/** Batches of rows of `x` with rows of `y`. tfjs-layers declares a dataset type of its own, hence the conversion. */
export function datasetOf(x: tf.Tensor, y: tf.Tensor, batchSize: number): FitDataset {
  const rows = (tensor: tf.Tensor): tf.data.Dataset<tf.TensorContainer> =>
    tf.data.array(tensor.arraySync() as number[][]);
  const batches: unknown = tf.data.zip({ xs: rows(x), ys: rows(y) }).batch(batchSize);
  return batches as FitDataset;
}
