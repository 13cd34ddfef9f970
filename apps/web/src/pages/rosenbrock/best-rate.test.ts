import { describe, expect, it, test } from 'vitest';
import { bestFixedRate, descend } from './best-rate.js';

test('gradient descent at 2e−3 for 10,000 steps ends at 9.4e−9, the known value', () => {
  const end = descend([1, -1.5], 2e-3, 10_000);
  expect(end).toBeGreaterThan(9.35e-9);
  expect(end).toBeLessThan(9.45e-9);
});

test('a rate beyond the stability of the start diverges', () => {
  // The curvature at (1, −1.5) is 2 + 1200 − 400 y = 1802 along x: far more than 2 / 1802 leaves at once.
  expect(descend([1, -1.5], 1e-1, 10)).toBe(Infinity);
});

describe('the best fixed rate', () => {
  it.each([1000, 10_000])('is better than its neighbours, over %d steps from (1, −1.5)', (steps) => {
    const { rate, value } = bestFixedRate([1, -1.5], steps);
    // Rounding to float32 changes little where the rate is stable.
    expect(Math.abs(value / descend([1, -1.5], rate, steps) - 1)).toBeLessThan(0.1);
    for (const factor of [0.5, 0.9, 1.1, 2]) {
      expect(descend([1, -1.5], rate * factor, steps)).toBeGreaterThan(value);
    }
  });

  it('is no rate that only float64 can bear: over 3,000 steps 2.11e−3 ends at 4.3e−4 exactly, and far away when rounded', () => {
    const start = [1, -1.5] as const;
    expect(descend(start, 2.11e-3, 3000)).toBeLessThan(5e-4);
    expect(descend(start, 2.11e-3, 3000, Math.fround)).toBeGreaterThan(1e-2);
    expect(bestFixedRate(start, 3000).rate).toBe(2e-3);
  });

  it('is found wherever the race starts', () => {
    for (const x of [-2, 0, 4]) {
      for (const y of [-2, 1, 4]) expect(bestFixedRate([x, y], 1000).value).toBeLessThan(1e3);
    }
  });
});
