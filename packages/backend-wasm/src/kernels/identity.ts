/** Identity without a copy: the output is the input's data with one more owner. Every tensor saved for a gradient passes here. */
import type * as tf from '@tensorflow/tfjs-core';
import { shared } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

export const identity = defineKernel<{ x: tf.TensorInfo }>('Identity', ({ inputs, backend }) =>
  inputs.x.dtype === 'string'
    ? stockKernels.run('Identity', { x: inputs.x }, backend)
    : shared(backend, inputs.x),
);
