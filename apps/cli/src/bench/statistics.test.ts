import { describe, expect, it } from 'vitest';
import { median, relativeSpread } from './statistics.js';

describe('median', () => {
  it('is the middle value, or the mean of the two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('relativeSpread', () => {
  it('is half the interquartile range over the median', () => {
    // Quartiles of 1 … 5 are 2 and 4: (4 − 2)/2/3.
    expect(relativeSpread([5, 1, 4, 2, 3])).toBeCloseTo(1 / 3, 12);
    expect(relativeSpread([7])).toBe(0);
    expect(relativeSpread([])).toBeNaN();
  });
});
