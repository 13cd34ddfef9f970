/** Rules in 16 bits: what they see, keep and give, for the rules of this package and for one whose φ is more than a learning rate. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { leaked, testVariable, uniformTensor, values } from '../../test/numeric.js';
import { hasAll, nearest } from '../../test/sixteen-bit.js';
import {
  adam,
  adamw,
  contract,
  metaAdam,
  momentum,
  rmsprop,
  sgd,
  withMetaPrecision,
  withRulePrecision,
} from '../index.js';
import type { ApoRule, DirectionInput, Precision, RuleState, TensorMap, UpdateRule } from '../index.js';
import { mapTensors } from '../tensor-map.js';

const SHAPE = [7];

/** θ′ = θ − η S ⊙ d, S and log η in φ, with a drift, no vjp of its own, and gradients passed on for tests to see. */
function diagonal(see: (gradients: TensorMap) => void = () => undefined): UpdateRule {
  return {
    name: 'diagonal',
    logLearningRate: 'logLearningRate',
    initialPhi: () => ({ logLearningRate: tf.tensor1d([Math.log(0.1)]), scale: tf.fill(SHAPE, 1.0001) }),
    initialState: (variables) => ({
      mean: Object.fromEntries(variables.map(({ name }) => [name, tf.fill(SHAPE, 0.1)])),
    }),
    direction({ gradients, state }) {
      see(gradients);
      const mean = mapTensors(gradients, (g, name) => tf.add(state['mean']![name]!, tf.mul(g, 0.3)));
      return { direction: mean, state: { mean }, drift: mapTensors(mean, (m) => tf.mul(m, 0.7)) };
    },
    apply: (variables, phi, direction) =>
      mapTensors(variables, (theta, name) =>
        tf.sub(theta, tf.mul(tf.mul(tf.exp(phi['logLearningRate']!), phi['scale']!), direction[name]!)),
      ),
    diagnostics: (phi) => ({ largest: tf.max(phi['scale']!) }),
  };
}

const rules: [string, () => UpdateRule][] = [
  ['sgd', sgd],
  ['momentum', () => momentum({ nesterov: true })],
  ['rmsprop', () => rmsprop({ centered: true, momentum: 0.5 })],
  ['adam', adam],
  ['adamw', adamw],
  ['a rule of your own', diagonal],
];

interface Step {
  readonly direction: TensorMap;
  readonly drift: TensorMap;
  readonly state: TensorMap;
  readonly next: TensorMap;
  readonly committed: TensorMap;
  readonly meta: TensorMap;
}

/** Everything that a rule gives in the second of two steps on seeded gradients, as numbers. */
function step(rule: UpdateRule): Record<keyof Step, number[][]> {
  const variable = testVariable(uniformTensor(SHAPE, 1), 'w');
  const given = tf.tidy(() => {
    const { name } = variable;
    const variables = { [name]: variable as tf.Tensor };
    const phi = rule.initialPhi([variable]);
    const input = (seed: number, state: RuleState, at: number): DirectionInput => {
      return { variables, gradients: { [name]: uniformTensor(SHAPE, seed) }, state, step: at };
    };
    const before = rule.direction(input(4, rule.initialState([variable]), 1)).state;
    const second = input(2, before, 2);
    const { direction, state, drift = {} } = rule.direction(second);
    const committed = rule.committed?.(second);
    const cotangent = { [name]: uniformTensor(SHAPE, 3) };
    const all: Step = {
      direction,
      drift,
      state: Object.fromEntries(Object.entries(state).map(([slot, map]) => [slot, map[name]!])),
      next: rule.apply(variables, phi, direction),
      committed: committed ? { d: committed.direction[name]!, m: committed.momentum[name]! } : {},
      meta: contract(rule, { variables, phi, direction, cotangent }),
    };
    return Object.fromEntries(
      Object.entries(all).map(([part, map]) => [part, Object.values(map as TensorMap).map(values)]),
    ) as Record<keyof Step, number[][]>;
  });
  variable.dispose();
  return given;
}

describe.each(['bf16', 'fp16'] as const)('%s', (precision) => {
  const round = (x: number): number => nearest(precision, x);

  it.each(rules)('%s: gives 16-bit directions, state and θ′', (_, make) => {
    const rounded = step(withRulePrecision(make(), precision));
    const plain = step(make());
    const unit = precision === 'bf16' ? 2 ** -7 : 2 ** -10;
    for (const part of ['direction', 'drift', 'state', 'next', 'committed'] as const) {
      expect(hasAll(precision, rounded[part].flat())).toBe(true);
      expect(rounded[part].length).toBe(plain[part].length);
    }
    // Close to float32: a few roundings. θ′ of order one.
    rounded.next[0]!.forEach((value, i) => {
      expect(Math.abs(value - plain.next[0]![i]!)).toBeLessThan(2 * unit);
    });
    expect(hasAll(precision, plain.next.flat())).toBe(false);
  });

  it.each(rules)('%s: keeps master copies where they are asked for', (_, make) => {
    const all = step(withRulePrecision(make(), precision, { masterCopies: true }));
    expect(hasAll(precision, all.next.flat())).toBe(false);
    expect(hasAll(precision, all.direction.flat())).toBe(true);
    const state = step(withRulePrecision(make(), precision, { masterCopies: { state: true } }));
    expect(hasAll(precision, state.next.flat())).toBe(true);
    expect(state.state).toEqual(all.state);
    if (all.state.length > 0) expect(hasAll(precision, all.state.flat())).toBe(false);
    const weights = step(withRulePrecision(make(), precision, { masterCopies: { weights: true } }));
    expect(weights.next.flat()).not.toEqual(state.next.flat());
    expect(hasAll(precision, weights.state.flat())).toBe(true);
  });

  it.each(rules)('%s: gives the same bits again and leaks nothing', async (_, make) => {
    const rule = withRulePrecision(make(), precision);
    const first = step(rule);
    expect(await leaked(() => expect(step(rule)).toEqual(first))).toBe(0);
  });

  it('shows the rule rounded gradients, and φ rounded but for the learning rate', () => {
    let seen: number[] = [];
    const rule = withRulePrecision(
      diagonal((gradients) => (seen = values(Object.values(gradients)[0]!))),
      precision,
    );
    const { direction, next, meta } = step(rule);
    const [theta, gradient, cotangent] = tf.tidy(() =>
      [1, 2, 3].map((seed) => values(uniformTensor(SHAPE, seed))),
    );
    expect(seen).toEqual(gradient!.map(round));
    // S = 1.0001 is 1 in both formats, and η = 0.1 stays what it is.
    const eta = Math.fround(Math.exp(Math.fround(Math.log(0.1))));
    next[0]!.forEach((value, i) => {
      expect(value).toBe(round(Math.fround(theta![i]! - Math.fround(eta * direction[0]![i]!))));
    });
    // ∂Q/∂log η = −η ⟨S d, v⟩ and ∂Q/∂S = −η d v with the rounded S and v, in float32.
    const v = cotangent!.map(round);
    const products = v.map((value, i) => -eta * value * direction[0]![i]!);
    expect(meta[0]![0]).toBeCloseTo(
      products.reduce((sum, value) => sum + value),
      6,
    );
    meta[1]!.forEach((value, i) => expect(value).toBeCloseTo(products[i]!, 7));
    tf.tidy(() => {
      expect(rule.diagnostics!(rule.initialPhi([]))['largest']!.dataSync()[0]).toBe(1);
      expect(rule.initialPhi([])['scale']!.dataSync()[0]).toBe(Math.fround(1.0001));
    });
  });

  it('loses the small steps of a stored φ, and only with 16-bit storage', async () => {
    const [plain, coarse] = [metaAdam({ learningRate: 1e-4 }), undefined].map(
      (optimizer) => optimizer ?? withMetaPrecision(metaAdam({ learningRate: 1e-4 }), precision),
    );
    const run = (optimizer: NonNullable<typeof plain>): number[][] =>
      tf.tidy(() => {
        let variables: TensorMap = { logLearningRate: tf.tensor1d([-2.3]), scale: tf.ones(SHAPE) };
        let state = optimizer.initialState(variables);
        for (let i = 1; i <= 5; i++) {
          const gradients = mapTensors(variables, (entry) => tf.onesLike(entry));
          const moved = optimizer.move({ variables, gradients, state, step: i }, {});
          [variables, state] = [moved.phi, moved.state];
        }
        return Object.values(variables).map(values);
      });
    // Adam's first steps are the rate itself: five steps of 1e−4 in float32.
    const [rate, scale] = run(plain!);
    expect(scale![0]).toBeCloseTo(1 - 5e-4, 6);
    // Half a spacing below 1 is 2⁻⁹ in bfloat16 and 2⁻¹² in float16: both more than 1e−4.
    expect(
      await leaked(() =>
        expect(run(coarse!)).toEqual([rate, SHAPE.flatMap((n) => Array<number>(n).fill(1))]),
      ),
    ).toBe(0);
  });
});

it('keeps names apart, and the presets of a rule with their forms and warm-up rules', () => {
  const rule: ApoRule = {
    ...diagonal(),
    presets: {
      auto: { options: { interval: 3, warmup: { rule: adam(), steps: 5 } } },
      paper: { rule: diagonal(), options: { scale: 0.9, warmup: false } },
    },
  };
  const { name, presets } = withRulePrecision(rule, 'fp16');
  expect(name).toBe('diagonal-fp16');
  expect(presets!.auto!.options).toMatchObject({
    interval: 3,
    warmup: { steps: 5, rule: { name: 'adam-fp16' } },
  });
  expect(presets!.paper).toMatchObject({
    rule: { name: 'diagonal-fp16' },
    options: { scale: 0.9, warmup: false },
  });
  // What J cannot resolve is forgiven in the calibration, and no reason to backtrack, unless the rule or the user says otherwise.
  expect(presets!.auto!.options).toMatchObject({ calibrate: { resolution: 2 ** -11 }, backtrack: false });
  const chosen: ApoRule = { ...rule, presets: { auto: { options: { calibrate: { ratio: 0.5 } } } } };
  expect(withRulePrecision(chosen, 'bf16').presets!.auto!.options!.calibrate).toEqual({
    resolution: 2 ** -8,
    ratio: 0.5,
  });
  const without = withRulePrecision(
    { ...chosen, presets: { auto: { options: { calibrate: false } } } },
    'bf16',
  );
  expect(without.presets!.auto!.options!.calibrate).toBe(false);
  expect(hasAll('fp16', step(presets!.paper!.rule!).next.flat())).toBe(true);
});

it('offers what the rule offers, and no step in one pass', () => {
  const wrapped = withRulePrecision(momentum(), 'bf16');
  expect(wrapped).toMatchObject({ logLearningRate: 'logLearningRate', defaultLookahead: 'committed' });
  expect(Object.keys(wrapped)).not.toContain('update');
  expect(Object.keys(withRulePrecision(adam(), 'bf16'))).not.toContain('committed');
  const variable = testVariable(tf.zeros([1]), 'w');
  const groups = withRulePrecision(sgd({ groups: 'variable' }), 'bf16').learningRateGroups!([variable]);
  expect(groups).toEqual([variable.name]);
  variable.dispose();
});

it('underflows in float16 as documented: Adam’s second moment below 2⁻²⁵', () => {
  // (1 − β₂) g² = 0.001 · 1e−6 = 1e−9 is zero in float16; the direction is then m / ε with ε = 1e−4 (1 − β₁).
  const direction = (masterCopies: boolean): number =>
    tf.tidy(() => {
      const rule = withRulePrecision(adam({ epsilon: 1e-4 }), 'fp16', { masterCopies });
      const variable = tf.variable(tf.zeros([1]), true, 'underflow');
      const state = rule.initialState([variable]);
      const gradients = { [variable.name]: tf.tensor1d([1e-3]) };
      const output = rule.direction({ variables: {}, gradients, state, step: 1 });
      variable.dispose();
      return (masterCopies ? output.direction : output.state['secondMoment']!)[variable.name]!.dataSync()[0]!;
    });
  expect(direction(false)).toBe(0);
  // With a master copy: m̂ / (√ŝ + ε) = 1e−3 / (1e−3 + 1e−4) = 0.909, to float16's 2⁻¹² and that of the gradient.
  expect(Math.abs(direction(true) - 1 / 1.1)).toBeLessThan(2 ** -11);
});

it('refuses a wrong precision and wrong master copies', () => {
  expect(() => withRulePrecision(sgd(), 'fp32' as unknown as Precision)).toThrow('precision is "fp32"');
  expect(() => withMetaPrecision(metaAdam(), 'fp32' as unknown as Precision)).toThrow('precision is "fp32"');
  const masterCopies = { weights: 1 } as unknown as boolean;
  expect(() => withRulePrecision(sgd(), 'bf16', { masterCopies })).toThrow('masterCopies is {"weights":1}');
});
