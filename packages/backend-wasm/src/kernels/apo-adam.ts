/** ApoAdam: Adam and AdamW, state and step in one pass; see `AdamKernelAttributes` of @apo/core. */
import type { AdamKernelAttributes } from '@apo/core';
import { job } from '../threads/parallel.js';
import { addressOf, updateKernel } from '../update-kernel.js';

export const apoAdam = updateKernel<AdamKernelAttributes>({
  kernelName: 'ApoAdam',
  nanoseconds: 1,
  slots: () => ['firstMoment', 'secondMoment'],
  native: ({ gradient, slots, newSlots, variable, output }, n, attrs, rate) =>
    job(
      'adam',
      gradient,
      slots[0]!,
      slots[1]!,
      newSlots[0]!,
      newSlots[1]!,
      addressOf(variable),
      addressOf(output),
      n,
      attrs.beta1,
      1 - attrs.beta1,
      attrs.beta2,
      1 - attrs.beta2,
      attrs.rootScale,
      attrs.epsilon,
      attrs.weightDecay,
      attrs.output === 'variables',
      rate,
    ),
  loop({ gradient, slots, newSlots, variable, output }, attrs, rate) {
    const { beta1, beta2, rootScale, epsilon, weightDecay } = attrs;
    const [first, second] = slots as [Float32Array, Float32Array];
    const [newFirst, newSecond] = newSlots as [Float32Array, Float32Array];
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]!;
      newFirst[i] = beta1 * first[i]! + (1 - beta1) * g;
      newSecond[i] = beta2 * second[i]! + (1 - beta2) * g * g;
      let d = newFirst[i]! / (rootScale * Math.sqrt(newSecond[i]!) + epsilon);
      if (weightDecay !== 0) d += weightDecay * variable![i]!;
      output![i] = attrs.output === 'variables' ? variable![i]! - rate * d : d;
    }
  },
});
