import { expect, it } from 'vitest';
import { trailingMean } from './trailing-mean.js';

it('averages over the window behind each place', () => {
  expect(trailingMean([2, 4, 6, 8], 2)).toEqual([2, 3, 5, 7]);
  expect(trailingMean([2, 4], 5)).toEqual([2, 3]);
  expect(trailingMean([2, 4], 1)).toEqual([2, 4]);
  expect(trailingMean([], 3)).toEqual([]);
});

it('forgets a value that was huge as soon as it is out of the window', () => {
  expect(trailingMean([1e30, 2, 4, 6], 2).slice(2)).toEqual([3, 5]);
});
