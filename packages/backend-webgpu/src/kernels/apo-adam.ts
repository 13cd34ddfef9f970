/** ApoAdam: Adam and AdamW, state and step in one pass; see `AdamKernelAttributes` of @apo/core. */
import type { AdamKernelAttributes } from '@apo/core';
import { updateKernel } from '../update-kernel.js';

export const apoAdam = updateKernel<AdamKernelAttributes>({
  kernelName: 'ApoAdam',
  slots: () => ['firstMoment', 'secondMoment'],
  numbers: ({ beta1, beta2, rootScale, epsilon, weightDecay }) => ({
    beta1,
    rest1: 1 - beta1,
    beta2,
    rest2: 1 - beta2,
    rootScale,
    epsilon,
    weightDecay,
  }),
  variant: ({ weightDecay }) => (weightDecay > 0 ? 'decay' : ''),
  readsVariable: ({ weightDecay }) => weightDecay > 0,
  code: ({ weightDecay }) => `
      let new_firstMoment = uniforms.beta1 * firstMoment + uniforms.rest1 * g;
      let new_secondMoment = uniforms.beta2 * secondMoment + uniforms.rest2 * (g * g);
      let d = new_firstMoment / (uniforms.rootScale * sqrt(new_secondMoment) + uniforms.epsilon)${weightDecay > 0 ? ' + uniforms.weightDecay * theta' : ''};`,
});
