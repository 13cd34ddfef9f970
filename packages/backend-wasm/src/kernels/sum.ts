/** Sum: neighbouring axes that are not the last ones, and everything at once, by pooling; the rest by the stock kernel. */
import type * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../kernel.js';
import { reduceAxes } from '../reduction.js';
import type { ReductionAttributes } from '../reduction.js';
import { stockKernels } from '../stock.js';

export const sum = defineKernel<{ x: tf.TensorInfo }, ReductionAttributes>(
  'Sum',
  ({ inputs: { x }, attrs, backend }) =>
    reduceAxes(backend, x, attrs, false) ?? stockKernels.run('Sum', { x }, backend, { ...attrs }),
);
