/** ApoRmsprop: RMSprop, also centred and with momentum, state and step in one pass; see `RmspropKernelAttributes` of @apo/core. */
import type { RmspropKernelAttributes } from '@apo/core';
import { job } from '../threads/parallel.js';
import { addressOf, updateKernel } from '../update-kernel.js';
import type { UpdateOperands } from '../update-kernel.js';

export const apoRmsprop = updateKernel<RmspropKernelAttributes>({
  kernelName: 'ApoRmsprop',
  nanoseconds: 0.8,
  slots: ({ centered, momentum }) => [
    'meanSquare',
    ...(centered ? ['mean'] : []),
    ...(momentum > 0 ? ['velocity'] : []),
  ],
  native(operands, n, attrs, rate) {
    const { gradient, variable, output } = operands;
    const { meanSquare, mean, velocity } = byName(operands.slots, attrs);
    const fresh = byName(operands.newSlots, attrs);
    return job(
      'rmsprop',
      gradient,
      meanSquare,
      addressOf(mean),
      addressOf(velocity),
      fresh.meanSquare,
      addressOf(fresh.mean),
      addressOf(fresh.velocity),
      addressOf(variable),
      addressOf(output),
      n,
      attrs.decay,
      1 - attrs.decay,
      attrs.correction,
      attrs.epsilon,
      attrs.momentum,
      rate,
    );
  },
  loop(operands, attrs, rate) {
    const { gradient, variable, output } = operands;
    const { decay, correction, epsilon, momentum } = attrs;
    const { meanSquare, mean, velocity } = byName(operands.slots, attrs);
    const fresh = byName(operands.newSlots, attrs);
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]!;
      fresh.meanSquare[i] = decay * meanSquare[i]! + (1 - decay) * g * g;
      let spread = correction * fresh.meanSquare[i]!;
      if (mean !== undefined && fresh.mean !== undefined) {
        fresh.mean[i] = decay * mean[i]! + (1 - decay) * g;
        spread = Math.max(0, spread - (correction * fresh.mean[i]!) ** 2);
      }
      let d = g / (Math.sqrt(spread) + epsilon);
      if (velocity !== undefined && fresh.velocity !== undefined) {
        d = momentum * velocity[i]! + d;
        fresh.velocity[i] = d;
      }
      if (output !== undefined) output[i] = variable === undefined ? d : variable[i]! - rate * d;
    }
  },
});

function byName<T>(
  slots: UpdateOperands<T>['slots'],
  { centered, momentum }: RmspropKernelAttributes,
): { meanSquare: T; mean: T | undefined; velocity: T | undefined } {
  return {
    meanSquare: slots[0]!,
    mean: centered ? slots[1] : undefined,
    velocity: momentum > 0 ? slots[centered ? 2 : 1] : undefined,
  };
}
