/** ApoMomentum: heavy-ball and Nesterov momentum, state and step in one pass; see `MomentumKernelAttributes` of @apo/core. */
import type { MomentumKernelAttributes } from '@apo/core';
import { job } from '../threads/parallel.js';
import { addressOf, updateKernel } from '../update-kernel.js';

export const apoMomentum = updateKernel<MomentumKernelAttributes>({
  kernelName: 'ApoMomentum',
  nanoseconds: 0.5,
  slots: () => ['velocity'],
  native: ({ gradient, slots, newSlots, variable, output }, n, { momentum, nesterov }, rate) =>
    job(
      'momentum',
      gradient,
      slots[0]!,
      newSlots[0]!,
      addressOf(variable),
      addressOf(output),
      n,
      momentum,
      nesterov,
      rate,
    ),
  loop({ gradient, slots, newSlots, variable, output }, { momentum, nesterov }, rate) {
    const velocity = slots[0]!;
    const newVelocity = newSlots[0]!;
    for (let i = 0; i < gradient.length; i++) {
      newVelocity[i] = momentum * velocity[i]! + gradient[i]!;
      if (output === undefined) continue;
      const d = nesterov ? gradient[i]! + momentum * newVelocity[i]! : newVelocity[i]!;
      output[i] = variable === undefined ? d : variable[i]! - rate * d;
    }
  },
});
