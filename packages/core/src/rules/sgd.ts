/** Gradient descent: d = g. */
import type { BaseDirection } from '../base-direction.js';
import { withLearningRate } from '../learning-rate.js';
import type { LearningRateOptions } from '../learning-rate.js';
import type { UpdateRule } from '../update-rule.js';

export function sgdDirection(): BaseDirection {
  return {
    name: 'sgd',
    slots: [],
    direction: ({ gradients, state }) => ({ direction: gradients, state }),
    defaultLookahead: 'step',
  };
}

/** θ′ = θ − η g. */
export function sgd(options: LearningRateOptions = {}): UpdateRule {
  return withLearningRate(sgdDirection(), { ...options, learningRate: options.learningRate ?? 0.01 });
}
