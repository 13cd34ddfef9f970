/** Tensors whose values say where they came from, and what moving them should give. Not published. */
import * as tf from '@tensorflow/tfjs-core';

/** Values 0, 1, 2, … in `outShape`, each taken from where `source` says. */
export function pick(outShape: number[], inShape: number[], source: (at: number[]) => number[]): number[] {
  const strides = tf.util.computeStrides(outShape).concat(1);
  return Array.from({ length: tf.util.sizeFromShape(outShape) }, (_, i) =>
    source(tf.util.indexToLoc(i, outShape.length, strides)).reduce(
      (index, at, axis) => index * inShape[axis]! + at,
      0,
    ),
  );
}

/** 0, 1, 2, … in `shape`. */
export function counting(shape: number[], dtype: 'float32' | 'int32' = 'float32'): tf.Tensor {
  return tf.reshape(tf.range(0, tf.util.sizeFromShape(shape), 1, dtype), shape);
}
