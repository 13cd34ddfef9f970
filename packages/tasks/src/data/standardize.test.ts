import { describe, expect, it } from 'vitest';
import { columnStatistics, standardizedRows } from './standardize.js';

/** Columns (1, 3, 5, 100) and (7, 7, 7, 9). */
const values = Float64Array.of(1, 7, 3, 7, 5, 7, 100, 9);

describe('columnStatistics', () => {
  it('has the mean and the population deviation of the rows it is given', () => {
    // 1, 3, 5: mean 3, variance (4 + 0 + 4) / 3. The second column does not change: deviation 1.
    const { means, deviations } = columnStatistics(values, 2, [0, 1, 2]);
    expect([...means]).toEqual([3, 7]);
    expect(deviations[0]).toBeCloseTo(Math.sqrt(8 / 3), 14);
    expect(deviations[1]).toBe(1);
  });

  it('calls a column constant whose mean is rounded', () => {
    // Ten times 0.1 does not add up to 1 in float64.
    const { deviations } = columnStatistics(new Float64Array(10).fill(0.1), 1, [...Array(10).keys()]);
    expect(deviations[0]).toBe(1);
  });

  it('refuses no rows', () => {
    expect(() => columnStatistics(values, 2, [])).toThrow(/indices is empty/);
  });
});

describe('standardizedRows', () => {
  it('moves the rows by the statistics of other rows', () => {
    const statistics = columnStatistics(values, 2, [0, 1, 2]);
    const rows = standardizedRows(values, [3, 1], statistics);
    expect(rows.width).toBe(2);
    // (100 − 3) / √(8/3), 9 − 7; 0, 0.
    expect(rows.values).toEqual(Float32Array.of(97 / Math.sqrt(8 / 3), 2, 0, 0));
  });
});
