/** ApoScaledSubtract: θ − η d for several tensors, each with the learning rate of its group, in the form of an update without a state. */
import type { ScaledSubtractKernelAttributes, UpdateKernelAttributes } from '@apo/core';
import type * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../kernel.js';
import { updateKernel } from '../update-kernel.js';

const subtract = updateKernel<UpdateKernelAttributes>({
  kernelName: 'ApoScaledSubtract',
  slots: () => [],
  numbers: () => ({}),
  code: () => 'let d = g;',
});

export const apoScaledSubtract = defineKernel<
  Readonly<Record<string, tf.TensorInfo>>,
  ScaledSubtractKernelAttributes
>('ApoScaledSubtract', ({ inputs, attrs, backend }) => {
  const renamed = Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name.replace(/^direction/, 'gradient'), tensor]),
  );
  return subtract.kernelFunc({
    inputs: renamed,
    backend,
    attrs: { count: attrs.count, places: [...attrs.places], output: 'variables' },
  });
});
