/** ApoRmsprop: RMSprop, also centred and with momentum, state and step in one pass; see `RmspropKernelAttributes` of @apo/core. */
import type { RmspropKernelAttributes } from '@apo/core';
import { updateKernel } from '../update-kernel.js';

export const apoRmsprop = updateKernel<RmspropKernelAttributes>({
  kernelName: 'ApoRmsprop',
  slots: ({ centered, momentum }) => [
    'meanSquare',
    ...(centered ? ['mean'] : []),
    ...(momentum > 0 ? ['velocity'] : []),
  ],
  numbers: ({ decay, epsilon, momentum, correction }) => ({
    decay,
    rest: 1 - decay,
    epsilon,
    momentum,
    correction,
  }),
  variant: ({ centered, momentum }) => `${centered ? 'centered' : ''}${momentum > 0 ? 'momentum' : ''}`,
  code: ({ centered, momentum }) => `
      let new_meanSquare = uniforms.decay * meanSquare + uniforms.rest * (g * g);
      var spread = uniforms.correction * new_meanSquare;
      ${
        centered
          ? `let new_mean = uniforms.decay * mean + uniforms.rest * g;
      let centre = uniforms.correction * new_mean;
      spread = max(0.0, spread - centre * centre);`
          : ''
      }
      let normalised = g / (sqrt(spread) + uniforms.epsilon);
      ${
        momentum > 0
          ? `let new_velocity = uniforms.momentum * velocity + normalised;
      let d = new_velocity;`
          : 'let d = normalised;'
      }`,
});
