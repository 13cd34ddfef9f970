/** Transpose without a copy where the axes longer than one keep their order, as those of `gather`'s gradient along the first axis do; the stock kernel copies. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

interface TransposeInputs extends Readonly<Record<string, tf.TensorInfo>> {
  readonly x: tf.TensorInfo;
}

export const transpose = defineKernel<TransposeInputs, { readonly perm: readonly number[] }>(
  tf.Transpose,
  ({ inputs, attrs: { perm }, backend }) => {
    const { x } = inputs;
    const long = perm.filter((axis) => x.shape[axis] !== 1);
    if (!long.every((axis, i) => i === 0 || long[i - 1]! < axis))
      return stockKernels.run(tf.Transpose, inputs, backend, { perm });
    // Shares the data.
    return stockKernels.run(tf.Reshape, inputs, backend, { shape: perm.map((axis) => x.shape[axis]!) });
  },
);
