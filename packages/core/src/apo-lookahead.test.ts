import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { linearRegression, values } from '../test/numeric.js';
import type { RegressionBatch } from '../test/numeric.js';
import { Apo } from './apo.js';
import type { ApoOptions } from './apo-options.js';
import { clipByGlobalNorm } from './clip.js';
import { metaSgd } from './meta/meta-optimizer.js';
import type { MetaStepStatistics } from './optimizer.js';
import { momentum } from './rules/momentum.js';
import { sgd } from './rules/sgd.js';
import type { UpdateRule } from './update-rule.js';

// J = ½ mean (xθ − t)² with one feature, so that everything is a number: J(θ) = ½ Σ (xθ − t)²/n, ρ = ½ mean x²(θ′ − θ)².
const [x, t] = [
  [1, 2],
  [3, -1],
];
const other = [0.5, 1.5];
const start = 0.4;
const eta = 0.05;
const [lambdaFsd, lambdaWsd] = [0.3, 0.2];

const mean = (xs: number[]): number => xs.reduce((a, b) => a + b) / xs.length;
const loss = (theta: number): number => mean(x.map((xi, i) => (xi * theta - t[i]!) ** 2 / 2));
const gradient = (theta: number): number => mean(x.map((xi, i) => (xi * theta - t[i]!) * xi));
const q = (theta: number, next: number): number =>
  loss(next) +
  lambdaFsd * mean(other.map((xi) => (xi * (next - theta)) ** 2 / 2)) +
  (lambdaWsd / 2) * (next - theta) ** 2;

/** Two steps at a rate that the first meta-step leaves alone, and what the second meta-step says. */
async function secondMetaStep(
  rule: UpdateRule,
  options: ApoOptions,
): Promise<{ statistics: MetaStepStatistics; theta: number }> {
  const { theta, objective } = linearRegression([start]);
  const batch: RegressionBatch = { x: tf.tensor2d(x, [2, 1]), t: tf.tensor1d(t) };
  const second: RegressionBatch = { x: tf.tensor2d(other, [2, 1]), t: tf.tensor1d([0, 0]) };
  const apo = new Apo(objective, rule, {
    preset: 'paper',
    interval: 1,
    lambdaFsd,
    lambdaWsd,
    metaOptimizer: metaSgd({ learningRate: 1e-12 }),
    ...options,
  });
  const seen: MetaStepStatistics[] = [];
  apo.onMetaStep((s) => seen.push(s));
  apo.step(batch, second);
  const before = values(theta)[0]!;
  apo.step(batch, second);
  await apo.flush();
  apo.dispose();
  tf.dispose([theta, batch.x, batch.t, second.x, second.t]);
  return { statistics: seen[1]!, theta: before };
}

/** Central difference of Q in log η, in float64, for θ′ = base − e^φ · direction. */
function expectQ(statistics: MetaStepStatistics, theta: number, base: number, direction: number): void {
  const at = (shift: number): number => q(theta, base - eta * Math.exp(shift) * direction);
  expect(statistics.q).toBeCloseTo(at(0), 5);
  expect(statistics.metaGradientNorm).toBeCloseTo(Math.abs((at(1e-4) - at(-1e-4)) / 2e-4), 4);
}

describe('the lookahead that Q is evaluated at, against float64 arithmetic', () => {
  const mu = 0.8;
  // After the first step the velocity is g(start); it has moved θ by −η g(start), or by −η (1 + μ) g(start) with Nesterov.
  it.each([
    ['heavy ball', false],
    ['Nesterov', true],
  ] as const)('committed, %s', async (_, nesterov) => {
    const rule = momentum({ learningRate: eta, momentum: mu, nesterov });
    const { statistics, theta } = await secondMetaStep(rule, { lookahead: 'committed' });
    expect(theta).toBeCloseTo(start - eta * (nesterov ? 1 + mu : 1) * gradient(start), 5);
    const frozen = (nesterov ? mu * mu : mu) * gradient(start);
    expectQ(statistics, theta, theta - eta * frozen, gradient(theta) / (1 - mu));
  });

  it('a factor', async () => {
    const { statistics, theta } = await secondMetaStep(sgd({ learningRate: eta }), {
      lookahead: { factor: 4 },
    });
    expectQ(statistics, theta, theta, 4 * gradient(theta));
  });

  it('a clipped gradient', async () => {
    const { statistics, theta } = await secondMetaStep(sgd({ learningRate: eta }), {
      clip: clipByGlobalNorm(0.1),
    });
    expect(theta).toBeCloseTo(start + eta * 0.1 * -Math.sign(gradient(start)), 5);
    expectQ(statistics, theta, theta, 0.1 * Math.sign(gradient(theta)));
  });

  it('a schedule scales the real step and not the lookahead', async () => {
    const { statistics, theta } = await secondMetaStep(sgd({ learningRate: eta }), { schedule: () => 0.25 });
    expect(theta).toBeCloseTo(start - 0.25 * eta * gradient(start), 5);
    expectQ(statistics, theta, theta, gradient(theta));
    expect(statistics.learningRates['all']).toBeCloseTo(0.25 * eta, 6);
  });

  it('lossBatch other: calibration compares J and Q on the same batch, whatever its level', async () => {
    // A constant offset of B′'s targets beyond what θ explains raises J on B′; its shape in η is that of B′ alone.
    const rates = await Promise.all(
      [0, 3].map(async (offset) => {
        const { theta, objective } = linearRegression([0, 0]);
        const batch: RegressionBatch = { x: tf.tensor2d([[1, 0]]), t: tf.tensor1d([1]) };
        // The second row has no features: it adds offset²/4 to J and nothing to any gradient.
        const second: RegressionBatch = {
          x: tf.tensor2d([
            [1, 0],
            [0, 0],
          ]),
          t: tf.tensor1d([1, offset]),
        };
        const apo = new Apo(objective, sgd(), { lossBatch: 'other', lambdaFsd: 0 });
        apo.step(batch, second);
        const { all } = await apo.learningRates();
        apo.dispose();
        tf.dispose([theta, batch.x, batch.t, second.x, second.t]);
        return all!;
      }),
    );
    expect(rates[1]! / rates[0]!).toBeCloseTo(1, 2);
    expect(rates[0]).toBeGreaterThan(1e-3);
  });
});
