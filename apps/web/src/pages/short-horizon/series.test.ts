import { expect, it } from 'vitest';
import { chartOf, lateMean, thinned } from './series.js';

it('averages the last values', () => {
  expect(lateMean([9, 1, 3], 2)).toBe(2);
  expect(lateMean([4], 2)).toBe(4);
  expect(lateMean([], 2)).toBeUndefined();
});

it('keeps the last of each stretch', () => {
  expect(thinned([1, 2, 3, 4, 5], 2)).toEqual([2, 4]);
});

it('puts each line where it is asked for', () => {
  const sides = { other: { rates: [1, 3], excess: [5, 7], greedy: [0, 0] } };
  const chart = chartOf(sides, 2, [
    { side: 'other', list: 'excess', window: 2 },
    { side: 'same', list: 'rates' },
    { side: 'other', list: 'rates' },
  ]);
  expect(chart).toEqual({ x: [1, 2], series: [[5, 6], [], [1, 3]] });
});
