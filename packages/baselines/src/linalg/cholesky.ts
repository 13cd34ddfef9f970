/** Cholesky factorisation A = L·Lᵀ of a symmetric positive definite matrix, and the systems and the inverse that follow from it. */
import { requireNumber } from '@apo/core';
import { loops } from './dense-loops.js';
import type { FailedPivot } from './dense-loops.js';
import { requireFinite, symmetrised } from './matrix.js';
import type { MatrixData, MatrixOptions } from './matrix.js';
import { LinalgError } from './linalg-error.js';
import { requireLower, solveTriangular } from './triangular.js';

export interface CholeskyOptions extends MatrixOptions {
  /** Added to the diagonal before the factorisation: Tikhonov damping. At least 0, default 0. */
  readonly damping?: number;
}

/**
 * The lower triangular L `[n, n]` (a new array; zeros above the diagonal, positive on it) with L·Lᵀ = A + damping·I, in n³/3
 * operations.
 * @throws ApoError `INVALID_ARGUMENT` for a wrong length or damping; LinalgError `non-finite`, `not-symmetric`,
 *   `not-positive-definite`.
 */
export function cholesky(a: MatrixData, n: number, options: CholeskyOptions = {}): Float64Array {
  const l = damped(a, n, options);
  const failed = loops.factor(l, n);
  if (failed) throw notPositive(failed, n, options.layer);
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
  requireLower(l, n, layer);
  return finite(loops.gramOfInverse(l, n), layer);
}

/**
 * (A + damping·I)⁻¹ `[n, n]` (a new array, symmetric to the last bit) by Cholesky, in n³ operations.
 * @throws as `cholesky`.
 */
export function inverse(a: MatrixData, n: number, options: CholeskyOptions = {}): Float64Array {
  return inverseHere(damped(a, n, options), n, options.layer);
}

/** `positive` is what `damped` returned; it is overwritten. */
export function inverseHere(positive: Float64Array, n: number, layer: string | undefined): Float64Array {
  return checkedInverse(loops.positiveInverse(positive, n), n, layer);
}

/** @throws LinalgError when a result is none: a pivot that failed, or an entry too large for float64. */
export function checkedInverse(
  result: Float64Array | FailedPivot,
  n: number,
  layer: string | undefined,
): Float64Array {
  if (!(result instanceof Float64Array)) throw notPositive(result, n, layer);
  return finite(result, layer);
}

function finite(inverse: Float64Array, layer: string | undefined): Float64Array {
  requireFinite('The inverse', inverse, layer);
  return inverse;
}

function notPositive(
  { row, pivot, diagonal }: FailedPivot,
  n: number,
  layer: string | undefined,
): LinalgError {
  return new LinalgError(
    'not-positive-definite',
    `the matrix of side ${n} is singular or not positive definite: pivot ${row} is ${pivot}, of a diagonal entry ` +
      `${diagonal}. Raise the damping.`,
    layer,
  );
}

/** A copy of A + damping·I that is symmetric to the last bit. @throws as `cholesky`, but for a pivot. */
export function damped(
  a: MatrixData,
  n: number,
  { damping = 0, ...options }: CholeskyOptions,
): Float64Array<ArrayBuffer> {
  requireNumber('damping', damping, { min: 0 });
  const symmetric = symmetrised(a, n, options);
  for (let i = 0; i < n; i++) symmetric[i * n + i]! += damping;
  return symmetric;
}
