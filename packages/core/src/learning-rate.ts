/** φ = log η, one for all variables or one per group (Sec. 4.2): makes an update rule θ′ = θ − η_g d of a base direction. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDirection, UpdateRates } from './base-direction.js';
import { zeroSlots } from './base-direction.js';
import { runEngineKernel } from './engine-kernels.js';
import { requireArgument, requireNumber } from './errors.js';
import { byName, innerProducts, mapTensors } from './tensor-map.js';
import type { TensorMap, UpdateRule } from './update-rule.js';

/**
 * Which variables share a learning rate: all of them, those of one layer (the name up to its last `/`), none,
 * named patterns (the first that matches the variable's name wins; the rest falls into `other`), or a function to a group's name.
 */
export type LearningRateGroups =
  'global' | 'layer' | 'variable' | Readonly<Record<string, RegExp>> | ((variableName: string) => string);

export interface LearningRateOptions {
  /** η at the start, > 0. With calibration (preset `auto`) it only matters when the first gradient is zero. */
  readonly learningRate?: number;
  /** Default `global`. */
  readonly groups?: LearningRateGroups;
}

/** The entry of φ that holds log η `[groups]`. */
export const LOG_LEARNING_RATE = 'logLearningRate';

/** @throws ApoError `INVALID_ARGUMENT` for a learning rate that is not a finite number > 0. */
export function withLearningRate(
  base: BaseDirection,
  { learningRate = 0.01, groups = 'global' }: LearningRateOptions,
): UpdateRule {
  requireNumber('learningRate', learningRate, { min: 0, exclusive: true });
  const groupOf = groupFunction(groups);

  const groupsOf = (names: readonly string[]): Grouping => grouping(names, groupOf);
  // Objects list integer-like names first; φ is in the order in which maps of tensors are.
  const namesOf = (variables: readonly tf.Variable[]): string[] => Object.keys(byName(variables));

  const ratesOf = (phi: TensorMap, names: readonly string[], factor = 1): UpdateRates => {
    const { index } = groupsOf(names);
    const rates = tf.exp(phi[LOG_LEARNING_RATE]!);
    return { values: factor === 1 ? rates : tf.mul(rates, factor), place: (name) => index.get(name)! };
  };

  const rule: UpdateRule = {
    name: base.name,
    logLearningRate: LOG_LEARNING_RATE,
    learningRateGroups: (variables) => groupsOf(namesOf(variables)).labels,
    initialPhi(variables) {
      return {
        [LOG_LEARNING_RATE]: tf.fill([groupsOf(namesOf(variables)).labels.length], Math.log(learningRate)),
      };
    },
    initialState: (variables) => zeroSlots(base.slots, byName(variables)),
    direction: (input) => base.direction(input),
    ...(base.committed && { committed: base.committed.bind(base) }),
    apply(variables, phi, direction) {
      return subtractScaled(variables, direction, ratesOf(phi, Object.keys(direction)));
    },
    update(input, phi, factor) {
      // A rule that was made from this one with parts of its own is another rule.
      if (this.direction !== rule.direction || this.apply !== rule.apply) return undefined;
      const rates = ratesOf(phi, Object.keys(input.gradients), factor);
      const output = base.update?.(input, rates);
      if (output) return output;
      const { direction, state } = base.direction(input);
      return { variables: subtractScaled(input.variables, direction, rates), state };
    },
    // ∂Q/∂(log η_g) = −η_g Σ_{i ∈ g} ⟨v_i, d_i⟩
    vjp({ phi, direction, cotangent }) {
      const { labels, index } = groupsOf(Object.keys(direction));
      const products = innerProducts(direction, cotangent, labels.length, (name) => index.get(name)!);
      return { [LOG_LEARNING_RATE]: tf.neg(tf.mul(tf.exp(phi[LOG_LEARNING_RATE]!), products)) };
    },
    defaultLookahead: base.defaultLookahead,
  };
  return rule;
}

/** θ − η_g d over the names of `direction`, in one pass where the engine has a kernel for it; the caller owns the result. */
export function subtractScaled(
  variables: TensorMap,
  direction: TensorMap,
  { values, place }: UpdateRates,
): TensorMap {
  const names = Object.keys(direction);
  const fused = runEngineKernel('ApoScaledSubtract', {
    roles: { direction, variable: variables },
    single: { rates: values },
    attributes: { places: names.map(place) },
  });
  if (fused) return Object.fromEntries(names.map((name, i) => [name, fused[i]!]));
  const scalars =
    values.size === 1
      ? [tf.reshape(values, [])]
      : Array.from({ length: values.size }, (_, i) => tf.reshape(tf.slice(values, [i], [1]), []));
  return mapTensors(direction, (d, name) => tf.sub(variables[name]!, tf.mul(d, scalars[place(name)]!)));
}

function groupFunction(groups: LearningRateGroups): (name: string) => string {
  if (groups === 'global') return () => 'all';
  if (groups === 'layer') return (name) => (name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : name);
  if (groups === 'variable') return (name) => name;
  if (typeof groups === 'function') return groups;
  const patterns = Object.entries(groups);
  requireArgument(
    patterns.length > 0 && patterns.every(([, p]) => p instanceof RegExp),
    () =>
      'groups is an object; expected at least one group name with a regular expression of variable names, for example {bias: /bias$/}.',
  );
  return (name) => patterns.find(([, pattern]) => name.search(pattern) >= 0)?.[0] ?? 'other';
}

interface Grouping {
  /** In order of first appearance. */
  readonly labels: readonly string[];
  /** Each variable's place among them. */
  readonly index: ReadonlyMap<string, number>;
}

function grouping(names: readonly string[], groupOf: (name: string) => string): Grouping {
  const places = new Map<string, number>();
  const index = new Map<string, number>();
  for (const name of names) {
    const label = groupOf(name);
    const place = places.get(label) ?? places.size;
    places.set(label, place);
    index.set(name, place);
  }
  return { labels: [...places.keys()], index };
}
