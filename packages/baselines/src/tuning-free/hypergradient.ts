/** Hypergradient descent (Baydin et al. 2018): the learning rate itself descends, by the product of two successive gradients. */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument, requireNumber, sgd } from '@apo/core';
import type {
  DirectionInput,
  DirectionOutput,
  Objective,
  StepperOptions,
  TensorMap,
  UpdateRule,
} from '@apo/core';
import { mapValues } from '../step/state.js';
import { SelfRatedOptimizer } from './self-rated-optimizer.js';

export interface HypergradientOptions extends StepperOptions {
  /** η at the start, > 0. Default 0.01. */
  readonly learningRate?: number;
  /** β, the rate of the rate, ≥ 0. Default 1e-4, or 0.02 for `multiplicative`. */
  readonly hypergradientRate?: number;
  /** `additive`: η ← η + β ⟨g, d⟩. `multiplicative`: η ← η (1 + β ⟨g, d⟩ / (‖g‖ ‖d‖)), which keeps η > 0 for β < 1. Default `additive`. */
  readonly update?: 'additive' | 'multiplicative';
  /** Whose direction d is: `sgd()`, `momentum()` or `adam()` of core, their own rate unused. Default `sgd()`. */
  readonly base?: UpdateRule;
}

/** As an update rule: d is what the base gave one step before, the first step leaves η alone. Its state slot `rate` has η as `all`. */
export function hypergradientRule(options: HypergradientOptions = {}): UpdateRule {
  const { learningRate = 0.01, update = 'additive', base = sgd() } = options;
  const { hypergradientRate = update === 'additive' ? 1e-4 : 0.02 } = options;
  requireNumber('learningRate', learningRate, { min: 0, exclusive: true });
  requireNumber('hypergradientRate', hypergradientRate, { min: 0 });
  requireArgument(
    ['additive', 'multiplicative'].includes(update),
    () => `update is "${update}"; expected "additive" or "multiplicative".`,
  );
  return {
    name: `hypergradient-${base.name}`,
    initialPhi: () => ({}),
    initialState: (variables) => ({
      ...base.initialState(variables),
      previous: Object.fromEntries(variables.map(({ name, shape }) => [name, tf.zeros(shape)])),
      rate: { all: tf.scalar(learningRate) },
    }),
    direction(input: DirectionInput): DirectionOutput {
      const { previous, rate, ...own } = input.state;
      const product = innerProduct(input.gradients, previous!);
      const change =
        update === 'additive'
          ? tf.mul(product, hypergradientRate)
          : tf.mul(tf.mul(cosine(product, input.gradients, previous!), rate!['all']!), hypergradientRate);
      const all: tf.Tensor = tf.add(rate!['all']!, change);
      const { direction, state } = base.direction({ ...input, state: own });
      return {
        direction: mapValues(direction, (d) => tf.mul(d, all)),
        state: { ...state, previous: direction, rate: { all } },
      };
    },
    apply: (variables, _, direction) =>
      mapValues(variables, (theta, name) => tf.sub(theta, direction[name]!)),
  };
}

/** Descent with that rule. It owns its state (`dispose` frees it). @throws ApoError `INVALID_ARGUMENT` for an option out of range. */
export class Hypergradient<B> extends SelfRatedOptimizer<B> {
  constructor(objective: Objective<B>, options: HypergradientOptions = {}) {
    super(objective, hypergradientRule(options), 'rate', options);
  }
}

function innerProduct(a: TensorMap, b: TensorMap): tf.Scalar {
  return tf.addN(Object.keys(a).map((name): tf.Scalar => tf.sum(tf.mul(a[name]!, b[name]!))));
}

/** ⟨a, b⟩ / (‖a‖ ‖b‖), 0 where one of them is zero. */
function cosine(product: tf.Scalar, a: TensorMap, b: TensorMap): tf.Tensor {
  const lengths = tf.sqrt(tf.mul(innerProduct(a, a), innerProduct(b, b)));
  return tf.div(product, tf.where(tf.greater(lengths, 0), lengths, 1));
}
