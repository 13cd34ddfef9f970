import { createRandom } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { initialKernel } from './initialize.js';

function moments(values: Float32Array): { mean: number; variance: number; kurtosis: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const central = (power: number): number =>
    values.reduce((a, b) => a + (b - mean) ** power, 0) / values.length;
  return { mean, variance: central(2), kurtosis: central(4) / central(2) ** 2 };
}

describe('initialKernel', () => {
  // With n = 200,000 normal draws of deviation s, the mean has deviation s/√n and the variance has s²·√(2/n): five of each.
  it('he-normal: normal with variance 2 / fan_in', () => {
    const { mean, variance, kurtosis } = moments(initialKernel('he-normal', [400, 500], createRandom(1)));
    const n = 200_000;
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(2 / 400 / n));
    expect(Math.abs(variance / (2 / 400) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    // A normal distribution has kurtosis 3, with deviation √(24/n).
    expect(Math.abs(kurtosis - 3)).toBeLessThan(5 * Math.sqrt(24 / n));
  });

  it('glorot-uniform: uniform in ±√(6 / (fan_in + fan_out))', () => {
    const kernel = initialKernel('glorot-uniform', [400, 500], createRandom(1));
    const limit = Math.sqrt(6 / 900);
    expect(Math.max(...kernel.slice(0, 50_000).map(Math.abs))).toBeLessThanOrEqual(Math.fround(limit));
    const { variance, kurtosis } = moments(kernel);
    // Uniform in ±a: variance a²/3, kurtosis 9/5.
    expect(variance / (limit ** 2 / 3)).toBeCloseTo(1, 2);
    expect(kurtosis).toBeCloseTo(1.8, 2);
  });

  it('glorot-uniform-sigmoid: the same draws, four times as large', () => {
    const plain = initialKernel('glorot-uniform', [40, 50], createRandom(1));
    const kernel = initialKernel('glorot-uniform-sigmoid', [40, 50], createRandom(1));
    kernel.forEach((value, i) => expect(value / plain[i]!).toBeCloseTo(4, 5));
  });

  it('counts the fans of a convolution with its window', () => {
    const kernel = initialKernel('glorot-uniform', [5, 5, 6, 16], createRandom(2));
    expect(kernel).toHaveLength(2400);
    const largest = Math.max(...kernel.map(Math.abs));
    // Fans 150 and 400; the largest of 2,400 uniform draws is below 99 % of the limit with probability .99²⁴⁰⁰ = 3e−11.
    const limit = Math.sqrt(6 / 550);
    expect(largest).toBeLessThanOrEqual(Math.fround(limit));
    expect(largest).toBeGreaterThan(0.99 * limit);
  });

  it('is the same for the same seed', () => {
    const draw = (seed: number): Float32Array => initialKernel('he-normal', [5, 7], createRandom(seed));
    expect(draw(3)).toEqual(draw(3));
    expect(draw(4)).not.toEqual(draw(3));
  });
});
