/** Heavy-ball and Nesterov momentum (Polyak 1964; Sutskever et al. 2013): m ← μ m + g. */
import * as tf from '@tensorflow/tfjs-core';
import { advanceSlot } from '../base-direction.js';
import type { BaseDirection } from '../base-direction.js';
import { requireNumber } from '../errors.js';
import { withKernel } from '../fused-direction.js';
import { withLearningRate } from '../learning-rate.js';
import type { LearningRateOptions } from '../learning-rate.js';
import { mapTensors, scaled } from '../tensor-map.js';
import type { UpdateRule } from '../update-rule.js';

export interface MomentumOptions extends LearningRateOptions {
  /** μ in [0, 1). Default 0.9. */
  readonly momentum?: number;
  /** d = g + μ m instead of d = m. Default false. */
  readonly nesterov?: boolean;
}

export function momentumDirection({
  momentum: mu = 0.9,
  nesterov = false,
}: MomentumOptions = {}): BaseDirection {
  requireNumber('momentum', mu, { min: 0, max: 1 - 1e-9 });
  const plain: BaseDirection = {
    name: 'momentum',
    slots: ['velocity'],
    direction(input) {
      const velocity = advanceSlot('velocity', input, (g, m) => tf.add(tf.mul(m, mu), g));
      const direction = nesterov
        ? mapTensors(velocity, (m, name) => tf.add(input.gradients[name]!, tf.mul(m, mu)))
        : velocity;
      return { direction, state: { velocity } };
    },
    // This gradient adds g, μ g, μ² g, … to the steps to come: g/(1 − μ) in all, for both forms. Of the old velocity
    // only this step's part is committed; its whole future would overshoot, since later gradients brake it.
    committed: ({ gradients, state }) => ({
      direction: scaled(gradients, 1 / (1 - mu)),
      momentum: scaled(state['velocity']!, nesterov ? mu * mu : mu),
    }),
    defaultLookahead: 'committed',
  };
  return withKernel(plain, {
    kernelName: 'ApoMomentum',
    attributes: () => ({ momentum: mu, nesterov }),
    ...(!nesterov && { directionSlot: 'velocity' }),
  });
}

/** θ′ = θ − η m (or θ − η (g + μ m) with Nesterov). */
export function momentum(options: MomentumOptions = {}): UpdateRule {
  return withLearningRate(momentumDirection(options), {
    ...options,
    learningRate: options.learningRate ?? 0.01,
  });
}
