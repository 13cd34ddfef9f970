/** ApoSelect: all tensors of one role or of the other, by a scalar. It copies nothing: an output shares its data with the input that was chosen. */
import type * as tf from '@tensorflow/tfjs-core';
import type { SelectKernelAttributes } from '@apo/core';
import { shared } from '../heap.js';
import { defineKernel } from '../kernel.js';

export const apoSelect = defineKernel<Readonly<Record<string, tf.TensorInfo>>, SelectKernelAttributes>(
  'ApoSelect',
  ({ inputs, attrs: { count }, backend }) => {
    const [holds] = backend.typedArrayFromHeap(inputs['condition']!);
    const role = holds === 1 ? 'yes' : 'no';
    return Array.from({ length: count }, (_, i) => shared(backend, inputs[`${role}${i}`]!));
  },
);
