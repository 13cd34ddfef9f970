/** Square float64 matrices as flat row-major arrays: the checks at the door, transposition, and products that are symmetric. */
import { requireArgument, requireInteger } from '@apo/core';
import { LinalgError } from './linalg-error.js';

/** What a matrix may be given as; results are always Float64Array. */
export type MatrixData = Float64Array | Float32Array;

export interface MatrixOptions {
  /** The layer that errors name. */
  readonly layer?: string;
  /**
   * How far a[i, j] and a[j, i] may lie apart, as a share of the largest |entry| (default 1e-5, what float32 products in any
   * order of summation stay within); their mean is used.
   */
  readonly symmetryTolerance?: number;
}

/** @throws ApoError `INVALID_ARGUMENT` unless `values` holds rows × columns entries. */
export function requireShape(what: string, values: MatrixData, rows: number, columns: number): void {
  requireInteger('The number of rows', rows, 0);
  requireInteger('The number of columns', columns, 0);
  requireArgument(
    values.length === rows * columns,
    () =>
      `${what} has ${values.length} entries; expected ${rows}·${columns} = ${rows * columns}, row after row.`,
  );
}

/** @throws LinalgError `non-finite` at the first entry that is NaN or infinite. */
export function requireFinite(what: string, values: MatrixData, layer?: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      throw new LinalgError(
        'non-finite',
        `${what} has the value ${value} at position ${i} of ${values.length}; expected finite numbers. ` +
          'Look for a loss or a gradient that overflowed, or lower the learning rate.',
        layer,
      );
    }
  }
}

/**
 * A copy of the matrix `a` `[n, n]` that is symmetric to the last bit: (A + Aᵀ)/2.
 * @throws ApoError `INVALID_ARGUMENT` for a wrong length; LinalgError `non-finite`, `not-symmetric`.
 */
export function symmetrised(
  a: MatrixData,
  n: number,
  { layer, symmetryTolerance = 1e-5 }: MatrixOptions = {},
): Float64Array<ArrayBuffer> {
  requireShape('The matrix', a, n, n);
  requireFinite('The matrix', a, layer);
  const symmetric = Float64Array.from(a);
  const allowed = symmetryTolerance * largestMagnitude(symmetric);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const below = symmetric[i * n + j]!;
      const above = symmetric[j * n + i]!;
      if (below === above) continue;
      if (Math.abs(below - above) > allowed) {
        throw new LinalgError(
          'not-symmetric',
          `the matrix has ${below} at [${i}, ${j}] and ${above} at [${j}, ${i}]; expected a symmetric matrix, ` +
            `within ${allowed}.`,
          layer,
        );
      }
      const mean = below / 2 + above / 2;
      symmetric[i * n + j] = mean;
      symmetric[j * n + i] = mean;
    }
  }
  return symmetric;
}

/** max |aᵢ|; 0 for an empty matrix. */
export function largestMagnitude(a: MatrixData): number {
  let largest = 0;
  for (const value of a) largest = Math.max(largest, Math.abs(value));
  return largest;
}
