/**
 * What batch normalisation holds for each feature (mean, gain, …) as our module reads it: laid out as often as whole vectors
 * need it when there are few features.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from './heap.js';

/** Elements that a row of features should have at least. */
const WIDTH = 32;

/** The number of features of `x` when `statistics`, one or more tensors, hold one value for each along its last axes; else 0. */
export function featureCount(x: tf.TensorInfo, statistics: readonly tf.TensorInfo[]): number {
  const shape = statistics[0]!.shape;
  const axes = x.shape.slice(x.shape.length - shape.length);
  const fits = [x, ...statistics].every(({ dtype }) => dtype === 'float32') && shape.length <= x.shape.length;
  const same = statistics.every(
    (tensor) => tensor.shape.length === shape.length && tensor.shape.every((extent, i) => extent === axes[i]),
  );
  return fits && same ? sizeOf(shape) : 0;
}

/** How often `features` values are laid out side by side. */
export function repetitions(features: number): number {
  return features % 4 === 0 ? Math.ceil(WIDTH / features) : 4 * Math.ceil(WIDTH / (4 * features));
}

/** Writes `values` to `target` as many times as it has room for. */
export function repeat(values: Float32Array, target: Float32Array): void {
  for (let at = 0; at < target.length; at += values.length) target.set(values, at);
}
