/** How φ moves: a base direction (SGD, RMSprop, Adam) applied to ∇Q with its own fixed meta-learning rate. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDirection } from '../base-direction.js';
import { zeroSlots } from '../base-direction.js';
import { clamp } from '../clip.js';
import { requireNumber } from '../errors.js';
import { adamDirection } from '../rules/adam.js';
import type { AdamOptions } from '../rules/adam.js';
import { rmspropDirection } from '../rules/rmsprop.js';
import type { RmspropOptions } from '../rules/rmsprop.js';
import { sgdDirection } from '../rules/sgd.js';
import { mapTensors } from '../tensor-map.js';
import type { DirectionInput, RuleState, TensorMap } from '../update-rule.js';

/** φ ← φ − learningRate · direction(∇Q). Pure functions, run inside `tf.tidy`; new tensors belong to the caller. */
export interface MetaOptimizer {
  /** State before the first meta-step: slot → entry of φ → tensor. */
  initialState(phi: TensorMap): RuleState;
  /**
   * φ and the state after one meta-gradient. `variables` of the input is φ, `gradients` ∂Q/∂φ; `limits` says for some entries by
   * how much an element of them may change at most.
   */
  move(input: DirectionInput, limits: Readonly<Record<string, number>>): MetaMove;
}

export interface MetaMove {
  readonly phi: TensorMap;
  readonly state: RuleState;
}

interface MetaRate {
  /** The meta-learning rate, > 0; on φ = log η it is measured in nats. */
  readonly learningRate?: number;
}

function metaOptimizer(learningRate: number, base: BaseDirection): MetaOptimizer {
  requireNumber('metaOptimizer.learningRate', learningRate, { min: 0, exclusive: true });
  return {
    initialState: (phi) => zeroSlots(base.slots, phi),
    move(input, limits) {
      const limited = Object.keys(input.gradients).some((name) => limits[name] !== undefined);
      if (!limited) {
        const rates = { values: tf.tensor1d([learningRate]), place: () => 0 };
        const output = base.update?.(input, rates);
        if (output) return { phi: output.variables, state: output.state };
      }
      const { direction, state } = base.direction(input);
      const phi = mapTensors(direction, (d, name) => {
        const change = tf.mul(d, -learningRate);
        const limit = limits[name];
        return tf.add(input.variables[name]!, limit === undefined ? change : clamp(change, limit));
      });
      return { phi, state };
    },
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
