/**
 * Transpose, of four-byte elements by our module. Without it by the stock kernel, but for swaps of two groups of axes whose
 * output rows would collide in the cache.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { reshaped, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { permute } from '../permute.js';
import { stockKernels } from '../stock.js';
import { asMatrixTranspose, transpose2d, transposeCollides } from '../transpose2d.js';

export const transpose = defineKernel<{ x: tf.TensorInfo }, { perm: number[] }>(
  'Transpose',
  ({ inputs: { x }, attrs, backend }) => {
    const shape = attrs.perm.map((axis) => x.shape[axis]!);
    const native = x.dtype === 'float32' || x.dtype === 'int32' ? nativeFunctions(backend) : undefined;
    if (native !== undefined) {
      const y = backend.makeOutput(shape, x.dtype);
      if (sizeOf(shape) > 0)
        permute(native, pointerTo(backend, x), pointerTo(backend, y), x.shape, attrs.perm);
      return y;
    }
    const matrix = x.dtype === 'float32' ? asMatrixTranspose(x.shape, attrs.perm) : null;
    if (matrix === null || !transposeCollides(matrix.rows, matrix.columns)) {
      return stockKernels.run('Transpose', { x }, backend, attrs);
    }
    return reshaped(transpose2d(backend, x, matrix.rows, matrix.columns), shape);
  },
);
