/** ApoMomentum: momentum and Nesterov momentum, state and step in one pass; see `MomentumKernelAttributes` of @apo/core. */
import type { MomentumKernelAttributes } from '@apo/core';
import { updateKernel } from '../update-kernel.js';

export const apoMomentum = updateKernel<MomentumKernelAttributes>({
  kernelName: 'ApoMomentum',
  slots: () => ['velocity'],
  numbers: ({ momentum }) => ({ momentum }),
  variant: ({ nesterov }) => (nesterov ? 'nesterov' : ''),
  code: ({ nesterov }) => `
      let new_velocity = uniforms.momentum * velocity + g;
      let d = ${nesterov ? 'g + uniforms.momentum * new_velocity' : 'new_velocity'};`,
});
