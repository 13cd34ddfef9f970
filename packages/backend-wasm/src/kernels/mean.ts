/** Mean: as Sum, divided by the count in float64. */
import type * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../kernel.js';
import { reduceAxes } from '../reduction.js';
import type { ReductionAttributes } from '../reduction.js';
import { stockKernels } from '../stock.js';

export const mean = defineKernel<{ x: tf.TensorInfo }, ReductionAttributes>(
  'Mean',
  ({ inputs: { x }, attrs, backend }) =>
    reduceAxes(backend, x, attrs, true) ?? stockKernels.run('Mean', { x }, backend, { ...attrs }),
);
