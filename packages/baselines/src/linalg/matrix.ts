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

/** Aᵀ `[n, n]`, a new array. */
export function transposed(a: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n);
  const tile = 32;
  for (let top = 0; top < n; top += tile) {
    for (let left = 0; left < n; left += tile) {
      for (let i = top; i < Math.min(top + tile, n); i++) {
        for (let j = left; j < Math.min(left + tile, n); j++) result[j * n + i] = a[i * n + j]!;
      }
    }
  }
  return result;
}

/** Columns of one tile: rows of a tile of B stay in the second-level cache. */
const DEPTH = 256;
/** Rows of B in one tile. */
const TILE = 64;

/**
 * A·Bᵀ `[n, n]` for matrices of which it is known to be symmetric: B = A, or A and B symmetric and commuting. The lower
 * triangle is computed and mirrored, so that the result is symmetric to the last bit and costs n³ operations, not 2n³.
 * With `upper` A and B are upper triangular, which saves two thirds of them.
 */
export function symmetricProduct(
  a: Float64Array,
  b: Float64Array,
  n: number,
  { upper = false }: { upper?: boolean } = {},
): Float64Array<ArrayBuffer> {
  const c = new Float64Array(n * n);
  for (let from = 0; from < n; from += DEPTH) {
    const to = Math.min(from + DEPTH, n);
    for (let first = 0; first < n; first += TILE) {
      const end = Math.min(first + TILE, n);
      // Row i of an upper triangular matrix is zero before column i.
      const lastRow = upper ? Math.min(n, to) : n;
      for (let i = first; i < lastRow; i++) addRow(a, b, c, n, i, first, Math.min(end, i + 1), from, to);
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) c[j * n + i] = c[i * n + j]!;
  return c;
}

/** c[i, j] += Σ a[i, k]·b[j, k] for j in [first, end) and k in [from, to); four columns j at a time. */
function addRow(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  n: number,
  i: number,
  first: number,
  end: number,
  from: number,
  to: number,
): void {
  const row = i * n;
  let j = first;
  for (; j + 3 < end; j += 4) {
    const b0 = j * n;
    const b1 = b0 + n;
    const b2 = b1 + n;
    const b3 = b2 + n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = from; k < to; k++) {
      const x = a[row + k]!;
      s0 += x * b[b0 + k]!;
      s1 += x * b[b1 + k]!;
      s2 += x * b[b2 + k]!;
      s3 += x * b[b3 + k]!;
    }
    c[row + j]! += s0;
    c[row + j + 1]! += s1;
    c[row + j + 2]! += s2;
    c[row + j + 3]! += s3;
  }
  for (; j < end; j++) {
    let sum = 0;
    for (let k = from; k < to; k++) sum += a[row + k]! * b[j * n + k]!;
    c[row + j]! += sum;
  }
}
