/** Columns with mean 0 and deviation 1 by the statistics of the training rows; the test rows are moved by the same numbers. */
import { requireArgument, requireInteger } from '@apo/core';
import type { Rows } from './rows.js';

export interface ColumnStatistics {
  /** One a column. */
  readonly means: Float64Array;
  /** Population deviations (divided by the count); 1 for a column that never changes, so that it becomes 0. */
  readonly deviations: Float64Array;
}

/**
 * Mean and deviation of each column over the rows at `indices` of `values` `[count, width]`, in two passes.
 * @throws ApoError `INVALID_ARGUMENT` for no index or a width below 1.
 */
export function columnStatistics(
  values: Float64Array,
  width: number,
  indices: ArrayLike<number>,
): ColumnStatistics {
  requireInteger('width', width, 1);
  requireArgument(indices.length > 0, () => 'indices is empty; expected at least one training row.');
  const mean = (term: (value: number, column: number) => number): Float64Array => {
    const sums = new Float64Array(width);
    for (let i = 0; i < indices.length; i++) {
      const start = indices[i]! * width;
      for (let column = 0; column < width; column++) sums[column]! += term(values[start + column]!, column);
    }
    return sums.map((sum) => sum / indices.length);
  };
  const means = mean((value) => value);
  const variances = mean((value, column) => (value - means[column]!) ** 2);
  // The mean of equal numbers may miss them by a rounding error; what is left then is no deviation.
  const deviations = variances.map((variance, column) =>
    Math.sqrt(variance) > 1e-12 * Math.abs(means[column]!) ? Math.sqrt(variance) : 1,
  );
  return { means, deviations };
}

/** The rows at `indices`, each value less its column's mean, over its deviation, rounded to float32 once. */
export function standardizedRows(
  values: Float64Array,
  indices: ArrayLike<number>,
  { means, deviations }: ColumnStatistics,
): Rows {
  const width = means.length;
  const rows = new Float32Array(indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i]! * width;
    for (let column = 0; column < width; column++) {
      rows[i * width + column] = (values[start + column]! - means[column]!) / deviations[column]!;
    }
  }
  return { values: rows, width };
}
