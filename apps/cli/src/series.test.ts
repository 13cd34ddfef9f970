import { describe, expect, it } from 'vitest';
import { pointsOf, rangeOf, resample, smooth, thin } from './series.js';

const points = (...values: readonly number[]): { step: number; value: number }[] =>
  values.map((value, i) => ({ step: i + 1, value }));

describe('pointsOf', () => {
  it('skips lines without a finite number', () => {
    const metrics = [
      { step: 1, loss: 2, learningRate: 0.1 },
      { step: 2, loss: null, learningRate: 0.1 },
      { step: 3, loss: 1, learningRate: 0.1, q: 5, accepted: true },
    ];
    expect(pointsOf(metrics, 'loss')).toEqual([
      { step: 1, value: 2 },
      { step: 3, value: 1 },
    ]);
    expect(pointsOf(metrics, 'q')).toEqual([{ step: 3, value: 5 }]);
    expect(pointsOf(metrics, 'accepted')).toEqual([]);
  });
});

describe('thin', () => {
  it('leaves few points alone', () => {
    expect(thin(points(1, 2, 3), 3)).toEqual(points(1, 2, 3));
  });

  it('averages neighbours, geometrically on request', () => {
    // Pairs (1, 4) and (9, 16) at the steps 1.5 and 3.5.
    expect(thin(points(1, 4, 9, 16), 2)).toEqual([
      { step: 1.5, value: 2.5 },
      { step: 3.5, value: 12.5 },
    ]);
    const [first, second] = thin(points(1, 4, 9, 16), 2, true);
    expect(first!.value).toBeCloseTo(2, 12);
    expect(second!.value).toBeCloseTo(12, 12);
  });
});

describe('smooth', () => {
  it('is a centred mean that narrows towards the ends', () => {
    // (0 + 3 + 6)/3 = 3, (3 + 6 + 0)/3 = 3, (6 + 0 + 6)/3 = 4; the ends have only themselves.
    expect(smooth(points(0, 3, 6, 0, 6), 3).map((p) => p.value)).toEqual([0, 3, 3, 4, 6]);
    expect(smooth(points(5, 1), 1)).toEqual(points(5, 1));
  });
});

describe('resample', () => {
  it('interpolates between unequal steps', () => {
    const uneven = [
      { step: 0, value: 0 },
      { step: 1, value: 10 },
      { step: 4, value: 40 },
    ];
    expect(resample(uneven, 5)).toEqual([0, 10, 20, 30, 40]);
    expect(resample([{ step: 3, value: 7 }], 3)).toEqual([7, 7, 7]);
    expect(resample([], 3)).toEqual([]);
  });
});

describe('rangeOf', () => {
  it('takes as many values as a long run has', () => {
    const values = Array.from({ length: 1_000_000 }, (_, i) => Math.abs(i - 250_000));
    expect(rangeOf(values)).toEqual([0, 749_999]);
    expect(rangeOf([])).toEqual([Infinity, -Infinity]);
  });
});
