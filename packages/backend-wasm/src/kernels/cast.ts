/** Cast: to the same type without a copy, and to bool by "is not zero" (the stock kernel truncates, so 0.5 and 256 become false). */
import type * as tf from '@tensorflow/tfjs-core';
import { shared } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

export const cast = defineKernel<{ x: tf.TensorInfo }, { dtype: tf.DataType }>(
  'Cast',
  ({ inputs: { x }, attrs, backend }) => {
    if (x.dtype === attrs.dtype && x.dtype !== 'string') return shared(backend, x);
    if (attrs.dtype !== 'bool') return stockKernels.run('Cast', { x }, backend, attrs);
    const output = backend.makeOutput(x.shape, 'bool');
    const values = backend.typedArrayFromHeap(x);
    const flags = backend.typedArrayFromHeap(output);
    for (let i = 0; i < flags.length; i++) flags[i] = values[i] === 0 ? 0 : 1;
    return output;
  },
);
