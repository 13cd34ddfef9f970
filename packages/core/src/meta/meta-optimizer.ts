/** How φ moves: a base direction (SGD, RMSprop, Adam) applied to ∇Q with its own fixed meta-learning rate. */
import type { BaseDirection } from '../base-direction.js';
import { requireNumber } from '../errors.js';
import { adamDirection } from '../rules/adam.js';
import type { AdamOptions } from '../rules/adam.js';
import { rmspropDirection } from '../rules/rmsprop.js';
import type { RmspropOptions } from '../rules/rmsprop.js';
import { sgdDirection } from '../rules/sgd.js';

/** φ ← φ − learningRate · direction(∇Q). */
export interface MetaOptimizer {
  readonly learningRate: number;
  readonly base: BaseDirection;
}

interface MetaRate {
  /** The meta-learning rate, > 0; on φ = log η it is measured in nats. */
  readonly learningRate?: number;
}

function metaOptimizer(learningRate: number, base: BaseDirection): MetaOptimizer {
  return {
    learningRate: requireNumber('metaOptimizer.learningRate', learningRate, { min: 0, exclusive: true }),
    base,
  };
}

/** Default rate 0.1. */
export function metaSgd({ learningRate = 0.1 }: MetaRate = {}): MetaOptimizer {
  return metaOptimizer(learningRate, sgdDirection());
}

/** The paper's choice for learning rates: rate 0.1, decay 0.99, no bias correction (its first step is then a whole nat). */
export function metaRmsprop({
  learningRate = 0.1,
  ...options
}: MetaRate & Omit<RmspropOptions, 'learningRate' | 'groups'> = {}): MetaOptimizer {
  return metaOptimizer(learningRate, rmspropDirection(options));
}

/** Default rate 0.1; the paper's choice for preconditioners, with 1e−4. */
export function metaAdam({
  learningRate = 0.1,
  ...options
}: MetaRate & Omit<AdamOptions, 'learningRate' | 'groups'> = {}): MetaOptimizer {
  return metaOptimizer(learningRate, adamDirection({ ...options, weightDecay: 0 }));
}
