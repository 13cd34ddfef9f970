import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adam, cosine, createObjective, momentum, RuleOptimizer, sgd } from '@apo/core';
import type { Objective, Optimizer } from '@apo/core';
import { leaked, relativeError } from '../testing/evidence.js';
import { Hypergradient } from './hypergradient.js';
import { Prodigy } from './prodigy.js';

let instances = 0;

/** J = ½ Σ aᵢ (θᵢ − tᵢ)² times `factor`; the batch is not used. */
function quadratic(
  start: number[],
  curvature: number[],
  target: number[],
): { theta: tf.Variable; objective: Objective<null> } {
  const theta = tf.tidy(() => tf.variable(tf.tensor1d(start), true, `free${instances++}/theta`));
  const objective = createObjective<null>({
    variables: [theta],
    predict: () => theta,
    loss: (output) => tf.mul(tf.sum(tf.mul(curvature, tf.square(tf.sub(output as tf.Tensor, target)))), 0.5),
  });
  return { theta, objective };
}

async function run(
  build: (objective: Objective<null>) => Optimizer<null>,
  steps: number,
  resumeAt?: number,
): Promise<{ theta: number[]; rates: number[] }> {
  const { theta, objective } = quadratic([1, -2], [2, 1], [0, 1]);
  let optimizer = build(objective);
  const rates: number[] = [];
  for (let step = 0; step < steps; step++) {
    if (step === resumeAt) {
      const next = build(objective);
      next.restore(optimizer.state());
      optimizer.dispose();
      optimizer = next;
    }
    optimizer.step(null);
    rates.push((await optimizer.learningRates())['all']!);
  }
  const result = { theta: [...theta.dataSync()], rates };
  optimizer.dispose();
  theta.dispose();
  return result;
}

describe('Hypergradient', () => {
  it('golden: SGD on θ², θ = 1, η₀ = 0.1, β = 0.01', async () => {
    const { theta, objective } = quadratic([1], [2], [0]);
    const optimizer = new Hypergradient(objective, { learningRate: 0.1, hypergradientRate: 0.01 });
    const seen: [number, number][] = [];
    for (let step = 0; step < 3; step++) {
      optimizer.step(null);
      seen.push([(await optimizer.statistics()).learningRates['all']!, theta.dataSync()[0]!]);
    }
    const expected = [
      [0.1, 0.8],
      [0.132, 0.5888],
      [0.1508416, 0.41116893184],
    ];
    seen.forEach((pair, i) => expect(relativeError(pair, expected[i]!)).toBeLessThan(1e-6));
    optimizer.dispose();
    theta.dispose();
  });

  it('with β = 0 it is the base method', async () => {
    for (const [base, rule] of [
      [sgd(), sgd({ learningRate: 0.1 })],
      [momentum(), momentum({ learningRate: 0.1 })],
      [adam(), adam({ learningRate: 0.1 })],
    ] as const) {
      const ours = await run(
        (o) => new Hypergradient(o, { base, learningRate: 0.1, hypergradientRate: 0 }),
        5,
      );
      const { theta } = await run((o) => new RuleOptimizer(o, rule), 5);
      expect(relativeError(ours.theta, theta)).toBeLessThan(1e-6);
    }
  });

  it('multiplicative: two parallel gradients raise η by the factor 1 + β', async () => {
    const { theta, objective } = quadratic([1], [2], [0]);
    const optimizer = new Hypergradient(objective, {
      learningRate: 0.1,
      update: 'multiplicative',
      hypergradientRate: 0.5,
    });
    optimizer.step(null);
    optimizer.step(null);
    expect((await optimizer.learningRates())['all']).toBeCloseTo(0.15, 6);
    optimizer.dispose();
    theta.dispose();
  });
});

/** Alg. 4 in float64. */
function prodigyByHand(steps: number, gamma: (step: number) => number): { theta: number[]; d: number } {
  const [curvature, target, anchor] = [
    [2, 1],
    [0, 1],
    [1, -2],
  ];
  let [x, m, v, s] = [[...anchor], [0, 0], [0, 0], [0, 0]];
  let [d, r] = [1e-3, 0];
  const root = Math.sqrt(0.999);
  for (let step = 1; step <= steps; step++) {
    const g = x.map((value, i) => curvature[i]! * (value - target[i]!));
    const rate = gamma(step);
    m = m.map((old, i) => 0.9 * old + 0.1 * d * g[i]!);
    v = v.map((old, i) => 0.999 * old + 0.001 * (d * g[i]!) ** 2);
    r = root * r + (1 - root) * rate * d * d * g.reduce((sum, gi, i) => sum + gi * (anchor[i]! - x[i]!), 0);
    s = s.map((old, i) => root * old + (1 - root) * rate * d * d * g[i]!);
    x = x.map((value, i) => value - (rate * d * m[i]!) / (Math.sqrt(v[i]!) + d * 1e-8));
    d = Math.max(d, r / (Math.abs(s[0]!) + Math.abs(s[1]!)));
  }
  return { theta: x, d };
}

describe('Prodigy', () => {
  it('follows Algorithm 4, with and without a schedule', async () => {
    for (const schedule of [undefined, cosine({ steps: 60 })]) {
      const ours = await run(
        (o) => new Prodigy(o, { initialDistance: 1e-3, ...(schedule && { schedule }) }),
        30,
      );
      const expected = prodigyByHand(30, schedule ?? (() => 1));
      expect(relativeError(ours.theta, expected.theta)).toBeLessThan(1e-4);
      expect(ours.rates.at(-1)! / (expected.d * (schedule?.(30) ?? 1))).toBeCloseTo(1, 3);
    }
  });

  it('d grows from far below to the order of the distance ‖x₀ − x*‖∞ = 3, and the minimum is found', async () => {
    const { theta, rates } = await run((o) => new Prodigy(o), 400);
    expect(rates.every((rate, i) => i === 0 || rate >= rates[i - 1]!)).toBe(true);
    expect(rates.at(-1)).toBeGreaterThan(0.3);
    expect(rates.at(-1)).toBeLessThan(6);
    expect(Math.hypot(theta[0]!, theta[1]! - 1)).toBeLessThan(0.3);
  });

  it('a growth limit and decoupled decay', async () => {
    const limited = await run((o) => new Prodigy(o, { growthRate: 1.02 }), 20);
    limited.rates.slice(1).forEach((rate, i) => expect(rate / limited.rates[i]!).toBeLessThanOrEqual(1.0201));
    const plain = await run((o) => new Prodigy(o, { initialDistance: 0.1 }), 1);
    const decayed = await run((o) => new Prodigy(o, { initialDistance: 0.1, weightDecay: 0.5 }), 1);
    // x loses γ d · 0.5 x more.
    expect(plain.theta[0]! - decayed.theta[0]!).toBeCloseTo(0.1 * 0.5 * 1, 5);
    expect(plain.theta[1]! - decayed.theta[1]!).toBeCloseTo(0.1 * 0.5 * -2, 5);
  });
});

describe('both', () => {
  const builds: ((objective: Objective<null>) => Optimizer<null>)[] = [
    (o) => new Hypergradient(o, { base: adam(), learningRate: 0.1 }),
    (o) => new Prodigy(o, { initialDistance: 1e-2 }),
  ];

  it('are deterministic, leak nothing, and go on from a checkpoint bit for bit', async () => {
    for (const build of builds) {
      const plain = await run(build, 8);
      expect(await run(build, 8)).toEqual(plain);
      expect(await run(build, 8, 4)).toEqual(plain);
      expect(await leaked(() => run(build, 4, 2))).toBe(0);
    }
  });

  it('refuse options out of range', () => {
    const { theta, objective } = quadratic([1], [1], [0]);
    expect(() => new Hypergradient(objective, { learningRate: 0 })).toThrow(/learningRate is 0/);
    expect(() => new Hypergradient(objective, { hypergradientRate: -1 })).toThrow(/hypergradientRate is -1/);
    expect(() => new Hypergradient(objective, { update: 'log' as 'additive' })).toThrow(/update is "log"/);
    expect(() => new Prodigy(objective, { initialDistance: 0 })).toThrow(/initialDistance is 0/);
    expect(() => new Prodigy(objective, { beta2: 1 })).toThrow(/beta2 is 1/);
    expect(() => new Prodigy(objective, { growthRate: 1 })).toThrow(/growthRate is 1/);
    theta.dispose();
  });
});
