/** Min: the smallest element over any axes of a float32 tensor; NaN wins. Over nothing it is ∞. Other types by the stock kernel. */
import type * as tf from '@tensorflow/tfjs-core';
import { reduceExtremes } from '../extremes.js';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

export const min = defineKernel<{ x: tf.TensorInfo }, { axis: number | number[]; keepDims: boolean }>(
  'Min',
  ({ inputs: { x }, attrs, backend }) =>
    reduceExtremes(backend, x, attrs.axis, attrs.keepDims, 'min') ??
    stockKernels.run('Min', { x }, backend, attrs),
);
