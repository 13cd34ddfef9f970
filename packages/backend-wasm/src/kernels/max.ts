/** Max: the largest element over any axes of a float32 tensor; NaN wins. Over nothing it is −∞. Other types by the stock kernel. */
import type * as tf from '@tensorflow/tfjs-core';
import { reduceExtremes } from '../extremes.js';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

export const max = defineKernel<
  { x: tf.TensorInfo },
  { reductionIndices: number | number[]; keepDims: boolean }
>(
  'Max',
  ({ inputs: { x }, attrs, backend }) =>
    reduceExtremes(backend, x, attrs.reductionIndices, attrs.keepDims, 'max') ??
    stockKernels.run('Max', { x }, backend, attrs),
);
