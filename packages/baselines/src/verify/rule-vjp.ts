/** (∂u/∂φ)ᵀv of every update rule against finite differences of the meta-objective and against one graph that spans the gradient, the update and the network after it. */
import * as tf from '@tensorflow/tfjs-core';
import {
  adam,
  adamw,
  basePass,
  contract,
  createRandom,
  momentum,
  predictions,
  proximalGradient,
  proximalTerms,
  rmsprop,
  sgd,
} from '@apo/core';
import type { ProximalProblem, RuleState, SupervisedBatch, TensorMap, UpdateRule } from '@apo/core';
import { readValues } from '../curvature/parameter-space.js';
import { scoped } from '../curvature/scope.js';
import { check, relativeDistance } from './check.js';
import type { Check } from './check.js';
import { smallNetwork } from './small-network.js';
import type { SmallNetwork } from './small-network.js';

const WEIGHTS = { lambdaFsd: 0.5, lambdaWsd: 0.2 };
/** Gradients that fill the rule's state before the step that is looked at. */
const WARM_STEPS = 2;
/** φ is moved off its initial value by this, so that no factor of the product is hidden by a zero or a one. */
const PHI_NOISE = 0.1;
/** Differences along single entries of φ up to this many, else along as many random directions. */
const DIRECTIONS = 12;
const DIFFERENCE_STEP = 0.05;

/** The rules of core, with one learning rate and with several. */
export function coreRules(): readonly UpdateRule[] {
  const learningRate = 0.2;
  return [
    sgd({ learningRate, groups: 'variable' }),
    momentum({ learningRate }),
    { ...momentum({ learningRate, nesterov: true, groups: 'variable' }), name: 'nesterov' },
    rmsprop({ learningRate: 0.05 }),
    {
      ...rmsprop({ learningRate: 0.05, momentum: 0.9, centered: true }),
      name: 'centred rmsprop with momentum',
    },
    adam({ learningRate: 0.05, groups: 'variable' }),
    adamw({ learningRate: 0.05, weightDecay: 0.1 }),
  ];
}

/** Two checks a rule. `rules` defaults to those of core; a rule needs an `apply` that TensorFlow.js can differentiate. */
export function verifyRuleVjps(rules: readonly UpdateRule[] = coreRules(), seed = 1): Check[] {
  return rules.flatMap((rule) => {
    const network = smallNetwork({ sizes: [3, 4, 3], loss: 'softmax-cross-entropy', seed });
    try {
      return scoped(() => checksOf(rule, network, seed));
    } finally {
      network.dispose();
    }
  });
}

function checksOf(rule: UpdateRule, network: SmallNetwork, seed: number): Check[] {
  const { objective, variables } = network;
  const random = createRandom(seed);
  const own: TensorMap = Object.fromEntries(variables.map((v): [string, tf.Tensor] => [v.name, v]));
  const lossBatches = [{ batch: network.batch, seed: 0 }];
  const fsdBatches = [{ batch: network.other, seed: 0 }];
  const problem: ProximalProblem<SupervisedBatch> = {
    objective,
    weights: WEIGHTS,
    lossBatches,
    fsdBatches,
    previous: predictions(objective, fsdBatches),
  };
  const phi = Object.fromEntries(
    Object.entries(rule.initialPhi(variables)).map(([name, value]): [string, tf.Tensor] => {
      const noise = Float32Array.from({ length: value.size }, () => PHI_NOISE * random.normal());
      return [name, tf.add(value, tf.tensor(noise, value.shape))];
    }),
  );
  const state = warmState(rule, network, lossBatches);
  const { gradients } = basePass(objective, lossBatches);
  const { direction } = rule.direction({ variables: own, gradients, state, step: WARM_STEPS + 1 });
  const { cotangent } = proximalGradient(problem, rule.apply(own, phi, direction));
  const product = flatten(phi, contract(rule, { variables: own, phi, direction, cotangent }));

  const unrolled = flatten(phi, unrolledGradient(rule, network, { state, phi, own }));
  const qAt = (trial: TensorMap): number =>
    scoped(() => readValues(proximalTerms(problem, rule.apply(own, trial, direction)).q)[0]!);
  const { analytic, differences } = compareDirections(phi, product, qAt, random);
  const parts = Object.keys(phi).join(', ');
  return [
    check({
      verification: 'update-rules',
      name: `${rule.name}, unrolled graph`,
      compared: `∂Q/∂φ by the rule's own product with automatic differentiation through gradient, update and network (φ: ${parts}): relative distance`,
      error: relativeDistance(product, unrolled),
      tolerance: 1e-4,
    }),
    check({
      verification: 'update-rules',
      name: `${rule.name}, finite differences`,
      compared: `∂Q/∂φ with four-point differences of Q along ${differences.length} directions of φ: relative distance`,
      error: relativeDistance(analytic, differences),
      tolerance: 2e-3,
    }),
  ];
}

/** The rule's state after a few gradients at θ, each a little different. */
function warmState(
  rule: UpdateRule,
  { objective, variables }: SmallNetwork,
  batches: Parameters<typeof basePass<SupervisedBatch>>[1],
): RuleState {
  const own: TensorMap = Object.fromEntries(variables.map((v): [string, tf.Tensor] => [v.name, v]));
  const { gradients } = basePass(objective, batches);
  let state = rule.initialState(variables);
  for (let step = 1; step <= WARM_STEPS; step++) {
    const scaled = Object.fromEntries(
      Object.entries(gradients).map(([name, g]): [string, tf.Tensor] => [name, tf.mul(g, 1 / step)]),
    );
    ({ state } = rule.direction({ variables: own, gradients: scaled, state, step }));
  }
  return state;
}

/** ∂Q/∂φ by one graph from φ through ∇J(θ), the rule, and the network at θ′ to Q, with nothing contracted by hand. */
function unrolledGradient(
  rule: UpdateRule,
  network: SmallNetwork,
  { state, phi, own }: { state: RuleState; phi: TensorMap; own: TensorMap },
): TensorMap {
  const { objective, batch, other, predict } = network;
  const names = Object.keys(phi);
  const previous = tf.tidy(() => predict(own, other.inputs));
  const gradient = tf.grads((...values: tf.Tensor[]): tf.Scalar => {
    const trial = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    const { gradients } = basePass(objective, [{ batch, seed: 0 }]);
    const { direction } = rule.direction({ variables: own, gradients, state, step: WARM_STEPS + 1 });
    const next = rule.apply(own, trial, direction);
    const distances = Object.keys(own).map((name): tf.Scalar =>
      tf.sum(tf.square(tf.sub(next[name]!, own[name]!))),
    );
    const loss = objective.loss(predict(next, batch.inputs), batch);
    const fsd = objective.divergence(predict(next, other.inputs), previous);
    const wsd = tf.mul(tf.addN(distances), WEIGHTS.lambdaWsd / 2);
    return tf.add(loss, tf.add(tf.mul(fsd, WEIGHTS.lambdaFsd), wsd));
  });
  const gradients = gradient(Object.values(phi));
  return Object.fromEntries(names.map((name, i) => [name, gradients[i]!]));
}

/** Slopes of Q along directions of φ: by ⟨∂Q/∂φ, r⟩, and by differences. */
function compareDirections(
  phi: TensorMap,
  product: Float64Array,
  qAt: (phi: TensorMap) => number,
  random: { normal(): number },
): { analytic: number[]; differences: number[] } {
  const size = product.length;
  const directions = Array.from({ length: Math.min(size, DIRECTIONS) }, (_, k) =>
    Float64Array.from({ length: size }, (__, i) =>
      size <= DIRECTIONS ? Number(i === k) : random.normal() / Math.sqrt(size),
    ),
  );
  const h = DIFFERENCE_STEP;
  return {
    analytic: directions.map((r) => r.reduce((sum, value, i) => sum + value * product[i]!, 0)),
    differences: directions.map((r) => {
      const q = (offset: number): number => scoped(() => qAt(moved(phi, r, offset)));
      return (8 * (q(h) - q(-h)) - (q(2 * h) - q(-2 * h))) / (12 * h);
    }),
  };
}

/** φ + offset · r. */
function moved(phi: TensorMap, r: Float64Array, offset: number): TensorMap {
  let start = 0;
  return Object.fromEntries(
    Object.entries(phi).map(([name, value]): [string, tf.Tensor] => {
      const part = Float32Array.from(r.subarray(start, start + value.size), (x) => offset * x);
      start += value.size;
      return [name, tf.add(value, tf.tensor(part, value.shape))];
    }),
  );
}

/** The values of `map` in the order of φ. */
function flatten(phi: TensorMap, map: TensorMap): Float64Array {
  return Float64Array.from(Object.keys(phi).flatMap((name) => Array.from(readValues(map[name]!))));
}
