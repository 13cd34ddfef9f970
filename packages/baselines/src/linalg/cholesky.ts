/** Cholesky factorisation A = L·Lᵀ of a symmetric positive definite matrix, and the systems and the inverse that follow from it. */
import { requireNumber } from '@apo/core';
import { requireFinite, symmetricProduct, symmetrised, transposed } from './matrix.js';
import type { MatrixData, MatrixOptions } from './matrix.js';
import { LinalgError } from './linalg-error.js';
import { invertLower, solveTriangular } from './triangular.js';

export interface CholeskyOptions extends MatrixOptions {
  /** Added to the diagonal before the factorisation: Tikhonov damping. At least 0, default 0. */
  readonly damping?: number;
}

/**
 * The lower triangular L `[n, n]` (a new array; zeros above the diagonal, positive on it) with L·Lᵀ = A + damping·I, in n³/3
 * operations (Golub and Van Loan, Matrix Computations, Alg. 4.2.1, by rows).
 * @throws ApoError `INVALID_ARGUMENT` for a wrong length or damping; LinalgError `non-finite`, `not-symmetric`,
 *   `not-positive-definite`.
 */
export function cholesky(a: MatrixData, n: number, options: CholeskyOptions = {}): Float64Array {
  const l = damped(a, n, options);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j < i; j++) {
      l[row + j] = (l[row + j]! - dot(l, row, j * n, j)) / l[j * n + j]!;
    }
    const diagonal = l[row + i]!;
    const pivot = diagonal - dot(l, row, row, i);
    // What is left of a diagonal entry after cancellation is rounding noise of this size.
    const noise = (i + 1) * Number.EPSILON * diagonal;
    if (!(pivot > noise)) {
      throw new LinalgError(
        'not-positive-definite',
        `the matrix of side ${n} is singular or not positive definite: pivot ${i} is ${pivot}, of a diagonal entry ` +
          `${diagonal}. Raise the damping.`,
        options.layer,
      );
    }
    l[row + i] = Math.sqrt(pivot);
    l.fill(0, row + i + 1, row + n);
  }
  return l;
}

/**
 * X `[n, columns]` (a new array) with L·Lᵀ·X = B, for an L from `cholesky`.
 * @throws as `solveTriangular`.
 */
export function choleskySolve(
  l: Float64Array,
  b: MatrixData,
  n: number,
  { columns = 1, layer }: { columns?: number; layer?: string } = {},
): Float64Array {
  const named = layer === undefined ? { columns } : { columns, layer };
  return solveTriangular(l, solveTriangular(l, b, n, named), n, { ...named, transpose: true });
}

/**
 * (L·Lᵀ)⁻¹ = L⁻ᵀ·L⁻¹ `[n, n]` (a new array, symmetric to the last bit), for an L from `cholesky`.
 * @throws as `solveTriangular`.
 */
export function choleskyInverse(l: Float64Array, n: number, layer?: string): Float64Array {
  const rows = transposed(invertLower(l, n, layer), n);
  const result = symmetricProduct(rows, rows, n, { upper: true });
  requireFinite('The inverse', result, layer);
  return result;
}

/**
 * (A + damping·I)⁻¹ `[n, n]` (a new array, symmetric to the last bit) by Cholesky, in n³ operations.
 * @throws as `cholesky`.
 */
export function inverse(a: MatrixData, n: number, options: CholeskyOptions = {}): Float64Array {
  return choleskyInverse(cholesky(a, n, options), n, options.layer);
}

function damped(a: MatrixData, n: number, { damping = 0, ...options }: CholeskyOptions): Float64Array {
  requireNumber('damping', damping, { min: 0 });
  const symmetric = symmetrised(a, n, options);
  for (let i = 0; i < n; i++) symmetric[i * n + i]! += damping;
  return symmetric;
}

/** Σ over k < length of l[first + k]·l[second + k], in four partial sums. */
function dot(l: Float64Array, first: number, second: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += l[first + k]! * l[second + k]!;
    s1 += l[first + k + 1]! * l[second + k + 1]!;
    s2 += l[first + k + 2]! * l[second + k + 2]!;
    s3 += l[first + k + 3]! * l[second + k + 3]!;
  }
  for (; k < length; k++) s0 += l[first + k]! * l[second + k]!;
  return s0 + s1 + (s2 + s3);
}
