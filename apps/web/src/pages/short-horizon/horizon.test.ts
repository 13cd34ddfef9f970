import { createRandom } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { expectedLoss, greedyRate, horizonCurves, HORIZONS, RATES } from './horizon.js';
import type { Setting } from './horizon.js';

const setting: Setting = { variances: [1, 0.1], squaredErrors: [0.5, 4], batchSize: 3, noise: 0.8 };

/** The same by simulation: mean and standard error over `runs` runs of stochastic gradient descent. */
function simulated({ variances, squaredErrors, batchSize, noise }: Setting, rate: number, steps: number) {
  const random = createRandom(7);
  const runs = 15_000;
  let sum = 0;
  let squares = 0;
  for (let run = 0; run < runs; run++) {
    const delta = squaredErrors.map(Math.sqrt);
    for (let step = 0; step < steps; step++) {
      const gradient = delta.map(() => 0);
      for (let row = 0; row < batchSize; row++) {
        const x = variances.map((h) => Math.sqrt(h) * random.normal());
        const residual = x.reduce((total, value, i) => total + value * delta[i]!, noise * random.normal());
        x.forEach((value, i) => (gradient[i]! += (value * residual) / batchSize));
      }
      gradient.forEach((g, i) => (delta[i]! -= rate * g));
    }
    const loss = delta.reduce((total, d, i) => total + 0.5 * variances[i]! * d ** 2, 0);
    sum += loss;
    squares += loss ** 2;
  }
  const mean = sum / runs;
  return { mean, error: Math.sqrt((squares / runs - mean ** 2) / runs) };
}

describe('expectedLoss', () => {
  it('is ½ Σ h c without a step', () => {
    expect(expectedLoss(setting, 0.3, 0)).toBeCloseTo(0.5 * (1 * 0.5 + 0.1 * 4), 14);
  });

  it.each([
    [0.3, 1],
    [0.3, 4],
    [0.7, 3],
  ])('agrees with simulated runs: rate %d, %i steps', (rate, steps) => {
    const { mean, error } = simulated(setting, rate, steps);
    expect(Math.abs(expectedLoss(setting, rate, steps) - mean)).toBeLessThan(4 * error);
    // The comparison is worth something: the standard error is small beside the change of the loss.
    expect(error).toBeLessThan(0.05 * Math.abs(mean - expectedLoss(setting, 0, 0)));
  });

  it('is the noise-free quadratic for large batches: ½ h c (1 − η h)^(2 n)', () => {
    const single = { variances: [0.5], squaredErrors: [3], batchSize: 1e12, noise: 0 };
    expect(expectedLoss(single, 0.4, 6)).toBeCloseTo(0.5 * 0.5 * 3 * 0.8 ** 12, 10);
  });

  it('is infinite for a rate that diverges', () => {
    expect(expectedLoss(setting, 50, 1000)).toBe(Infinity);
  });
});

describe('greedyRate', () => {
  it('is where the expected loss after one step has its minimum', () => {
    const rate = greedyRate(setting);
    const [low, at, high] = [rate * 0.99, rate, rate * 1.01].map((r) => expectedLoss(setting, r, 1));
    expect(at).toBeLessThan(low!);
    expect(at).toBeLessThan(high!);
    // A parabola in η: the vertex through three points is the rate itself.
    const vertex = rate + (0.005 * rate * (low! - high!)) / (low! - 2 * at! + high!);
    expect(vertex).toBeCloseTo(rate, 6);
  });

  it('is 1/h on one noise-free direction, and 0 at the optimum', () => {
    const single = { variances: [0.25], squaredErrors: [9], batchSize: 1e12, noise: 0 };
    expect(greedyRate(single)).toBeCloseTo(4, 9);
    expect(greedyRate({ ...single, squaredErrors: [0] })).toBe(0);
  });
});

it('looking further ahead asks for larger rates once the steep directions are done', () => {
  const late = { variances: [1, 1e-2], squaredErrors: [0, 10], batchSize: 20, noise: 1 };
  const curves = horizonCurves(late);
  expect(curves.map(({ horizon }) => horizon)).toEqual([...HORIZONS]);
  const best = curves.map((curve) => RATES[curve.best]!);
  expect(best[0]!).toBeLessThan(best[1]!);
  expect(best[1]!).toBeLessThan(best[2]!);
  // The grid has twenty rates to a decade.
  expect(Math.abs(Math.log10(best[0]! / greedyRate(late)))).toBeLessThan(1 / 40 + 1e-9);
});
