/** Prodigy (Mishchenko & Defazio 2024): Adam whose step length is a lower bound of the distance to the solution, which grows as it is found. */
import * as tf from '@tensorflow/tfjs-core';
import { requireNumber } from '@apo/core';
import type { DirectionInput, DirectionOutput, Objective, StepperOptions, UpdateRule } from '@apo/core';
import { mapValues } from '../step/state.js';
import { SelfRatedOptimizer } from './self-rated-optimizer.js';

export interface ProdigyOptions extends StepperOptions {
  /** γ, a factor on the step length, > 0; multiplied by `schedule`. Default 1. */
  readonly learningRate?: number;
  /** d₀ > 0, a first bound of the distance, far below it. Default 1e-6. */
  readonly initialDistance?: number;
  /** β₁ in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** β₂ in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0, scaled by d. Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled: θ also loses γ · d · weightDecay · θ, ≥ 0. Default 0. */
  readonly weightDecay?: number;
  /** The most that d grows by in one step, > 1. Default: no limit. */
  readonly growthRate?: number;
}

/**
 * Alg. 4 of the paper, for g the gradient, x₀ the first iterate:
 *
 *     m ← β₁ m + (1 − β₁) d g        v ← β₂ v + (1 − β₂) d² g²
 *     r ← √β₂ r + (1 − √β₂) γ d² ⟨g, x₀ − x⟩        s ← √β₂ s + (1 − √β₂) γ d² g
 *     x ← x − γ d m / (√v + d ε)        d ← max(d, r / ‖s‖₁)
 *
 * State slots: `anchor` (x₀), `firstMoment`, `secondMoment`, `weighted` (s), and `distance` (d) and `numerator` (r) as `all`.
 */
export function prodigyRule(options: ProdigyOptions = {}): UpdateRule {
  const { learningRate = 1, initialDistance = 1e-6, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const { weightDecay = 0, growthRate = Infinity, schedule = () => 1 } = options;
  requireNumber('learningRate', learningRate, { min: 0, exclusive: true });
  requireNumber('initialDistance', initialDistance, { min: 0, exclusive: true });
  requireNumber('beta1', beta1, { min: 0, max: 1 - 1e-9 });
  requireNumber('beta2', beta2, { min: 0, max: 1 - 1e-9 });
  requireNumber('epsilon', epsilon, { min: 0 });
  requireNumber('weightDecay', weightDecay, { min: 0 });
  if (growthRate !== Infinity) requireNumber('growthRate', growthRate, { min: 1, exclusive: true });
  const root = Math.sqrt(beta2);
  const zeros = (variables: readonly tf.Variable[]): Record<string, tf.Tensor> =>
    Object.fromEntries(variables.map(({ name, shape }) => [name, tf.zeros(shape)]));
  return {
    name: 'prodigy',
    initialPhi: () => ({}),
    initialState: (variables) => ({
      anchor: Object.fromEntries(
        variables.map((variable) => [variable.name, tf.clone(variable as tf.Tensor)]),
      ),
      firstMoment: zeros(variables),
      secondMoment: zeros(variables),
      weighted: zeros(variables),
      distance: { all: tf.scalar(initialDistance) },
      numerator: { all: tf.scalar(0) },
    }),
    direction({ variables, gradients, state, step }: DirectionInput): DirectionOutput {
      const gamma = learningRate * schedule(step);
      const d = state['distance']!['all']!;
      const names = Object.keys(gradients);
      const firstMoment = mapValues(gradients, (g, name) =>
        tf.add(tf.mul(state['firstMoment']![name]!, beta1), tf.mul(tf.mul(g, d), 1 - beta1)),
      );
      const secondMoment = mapValues(gradients, (g, name) =>
        tf.add(tf.mul(state['secondMoment']![name]!, beta2), tf.mul(tf.square(tf.mul(g, d)), 1 - beta2)),
      );
      const weight = tf.mul(tf.square(d), (1 - root) * gamma);
      const weighted = mapValues(gradients, (g, name) =>
        tf.add(tf.mul(state['weighted']![name]!, root), tf.mul(g, weight)),
      );
      const progress = tf.addN(
        names.map((name): tf.Scalar =>
          tf.sum(tf.mul(gradients[name]!, tf.sub(state['anchor']![name]!, variables[name]!))),
        ),
      );
      const numerator: tf.Tensor = tf.add(
        tf.mul(state['numerator']!['all']!, root),
        tf.mul(progress, weight),
      );
      const length = tf.addN(names.map((name): tf.Scalar => tf.sum(tf.abs(weighted[name]!))));
      const bound = tf.div(numerator, tf.where(tf.greater(length, 0), length, 1));
      const limited = growthRate === Infinity ? bound : tf.minimum(bound, tf.mul(d, growthRate));
      const direction = mapValues(firstMoment, (m, name) => {
        const ratio = tf.div(m, tf.add(tf.sqrt(secondMoment[name]!), tf.mul(d, epsilon)));
        const total = weightDecay > 0 ? tf.add(ratio, tf.mul(variables[name]!, weightDecay)) : ratio;
        return tf.mul(total, tf.mul(d, gamma));
      });
      return {
        direction,
        state: {
          ...state,
          firstMoment,
          secondMoment,
          weighted,
          distance: { all: tf.maximum(d, limited) },
          numerator: { all: numerator },
        },
      };
    },
    apply: (variables, _, direction) =>
      mapValues(variables, (theta, name) => tf.sub(theta, direction[name]!)),
  };
}

/**
 * Descent with that rule; it reports γ · d as its learning rate. It owns its state (`dispose` frees it).
 * @throws ApoError `INVALID_ARGUMENT` for an option out of range.
 */
export class Prodigy<B> extends SelfRatedOptimizer<B> {
  constructor(objective: Objective<B>, options: ProdigyOptions = {}) {
    const { schedule, learningRate = 1, ...rest } = options;
    // The schedule is part of the method (r and s weigh gradients by it), not a factor on its result.
    super(
      objective,
      prodigyRule(options),
      'distance',
      rest,
      (step) => learningRate * (schedule?.(step) ?? 1),
    );
  }
}
