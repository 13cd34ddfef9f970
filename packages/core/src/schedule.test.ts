import { describe, expect, it } from 'vitest';
import { constant, cosine, inverseSquareRoot, linearWarmup, stepDecay } from './schedule.js';
import type { StepDecayOptions } from './schedule.js';

const at = (schedule: (step: number) => number, steps: readonly number[]): number[] => steps.map(schedule);
const refused = expect.objectContaining({ name: 'ApoError', code: 'INVALID_ARGUMENT' }) as Error;

describe('constant', () => {
  it('is the same everywhere, 1 by default', () => {
    expect(at(constant(), [1, 7, 1e6])).toEqual([1, 1, 1]);
    expect(at(constant(0.25), [1, 1e6])).toEqual([0.25, 0.25]);
  });

  it('refuses a negative or non-finite multiplier', () => {
    expect(() => constant(-1)).toThrow(refused);
    expect(() => constant(NaN)).toThrow(refused);
  });
});

describe('stepDecay', () => {
  it('decays after every so many steps', () => {
    // Steps 1–3 before the first decay, 4–6 after one, 7 after two.
    expect(at(stepDecay({ every: 3, factor: 0.5 }), [1, 3, 4, 6, 7])).toEqual([1, 1, 0.5, 0.5, 0.25]);
  });

  it('decays after each milestone', () => {
    expect(at(stepDecay({ milestones: [2, 5], factor: 0.5 }), [1, 2, 3, 5, 6, 100])).toEqual([
      1, 1, 0.5, 0.5, 0.25, 0.25,
    ]);
    expect(at(stepDecay({ milestones: [], factor: 0.5 }), [1, 100])).toEqual([1, 1]);
  });

  it('gives milestones at the multiples of every the same curve', () => {
    const steps = Array.from({ length: 12 }, (_, i) => i + 1);
    expect(at(stepDecay({ milestones: [4, 8, 12], factor: 0.5 }), steps)).toEqual(
      at(stepDecay({ every: 4, factor: 0.5 }), steps),
    );
  });

  it('refuses what cannot be meant', () => {
    const both = { every: 2, milestones: [1], factor: 0.5 } as unknown as StepDecayOptions;
    const neither = { factor: 0.5 } as unknown as StepDecayOptions;
    expect(() => stepDecay(both)).toThrow(refused);
    expect(() => stepDecay(neither)).toThrow(refused);
    expect(() => stepDecay({ every: 0, factor: 0.5 })).toThrow(refused);
    expect(() => stepDecay({ every: 2, factor: 0 })).toThrow(refused);
    expect(() => stepDecay({ every: 2, factor: 1.1 })).toThrow(refused);
    expect(() => stepDecay({ milestones: [5, 5], factor: 0.5 })).toThrow(/increase strictly/);
    expect(() => stepDecay({ milestones: [1.5], factor: 0.5 })).toThrow(/milestones\[0\] is 1.5/);
  });
});

describe('cosine', () => {
  it('falls from 1 along half a cosine and stays at the floor', () => {
    const schedule = cosine({ steps: 4 });
    // Progress (step − 1)/4 = 0, ¼, ½, ¾: ½(1 + cos) = 1, ½ + √2/4, ½, ½ − √2/4; then 0.
    const expected = [1, 0.5 + Math.SQRT2 / 4, 0.5, 0.5 - Math.SQRT2 / 4, 0, 0];
    at(schedule, [1, 2, 3, 4, 5, 50]).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
  });

  it('warms up linearly and ends at a floor', () => {
    const schedule = cosine({ steps: 6, warmup: 2, floor: 0.2 });
    // After two warm-up steps, progress 0, ¼, ½, ¾ of a fall from 1 to 0.2: at ½ it is 0.6.
    expect(at(schedule, [1, 2, 3])).toEqual([0.5, 1, 1]);
    expect(schedule(5)).toBeCloseTo(0.6, 12);
    expect(schedule(7)).toBe(0.2);
  });

  it('refuses what cannot be meant', () => {
    expect(() => cosine({ steps: 0 })).toThrow(refused);
    expect(() => cosine({ steps: 5, warmup: 5 })).toThrow(/fewer than steps/);
    expect(() => cosine({ steps: 5, warmup: -1 })).toThrow(refused);
    expect(() => cosine({ steps: 5, floor: 1.5 })).toThrow(refused);
  });
});

describe('inverseSquareRoot', () => {
  it('has the shape of Vaswani et al. with peak 1', () => {
    const warmup = 4000;
    const schedule = inverseSquareRoot({ warmup });
    // Their rate is d^−½ · min(step^−½, step · warmup^−1.5); relative to its peak d^−½ · warmup^−½ the d cancels.
    const theirs = (step: number): number =>
      Math.min(step ** -0.5, step * warmup ** -1.5) / Math.min(warmup ** -0.5, warmup * warmup ** -1.5);
    for (const step of [1, 10, 3999, 4000, 4001, 100_000])
      expect(schedule(step)).toBeCloseTo(theirs(step), 12);
    expect(at(schedule, [4000, 16_000])).toEqual([1, 0.5]);
  });

  it('refuses a warm-up of no steps', () => {
    expect(() => inverseSquareRoot({ warmup: 0 })).toThrow(refused);
  });
});

describe('linearWarmup', () => {
  it('rises to 1 and stays', () => {
    expect(at(linearWarmup(4), [1, 2, 4, 5, 100])).toEqual([0.25, 0.5, 1, 1, 1]);
  });

  it('hands over to a schedule that starts counting from 1', () => {
    expect(at(linearWarmup(2, stepDecay({ every: 1, factor: 0.5 })), [1, 2, 3, 4])).toEqual([0.5, 1, 1, 0.5]);
  });

  it('refuses a warm-up of no steps', () => {
    expect(() => linearWarmup(0)).toThrow(refused);
  });
});
