/** Transpose: the stock kernel, but for swaps of two groups of axes whose output rows would collide in the cache. */
import type * as tf from '@tensorflow/tfjs-core';
import { reshaped } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { runStock } from '../stock.js';
import { asMatrixTranspose, transpose2d, transposeCollides } from '../transpose2d.js';

export const transpose = defineKernel<{ x: tf.TensorInfo }, { perm: number[] }>(
  'Transpose',
  ({ inputs: { x }, attrs, backend }) => {
    const matrix = x.dtype === 'float32' ? asMatrixTranspose(x.shape, attrs.perm) : null;
    if (matrix === null || !transposeCollides(matrix.rows, matrix.columns)) {
      return runStock('Transpose', { x }, backend, attrs);
    }
    const shape = attrs.perm.map((axis) => x.shape[axis]!);
    return reshaped(transpose2d(backend, x, matrix.rows, matrix.columns), shape);
  },
);
