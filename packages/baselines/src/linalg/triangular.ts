/** Triangular systems L·X = B and Lᵀ·X = B for one or many right-hand sides, and the inverse of a triangular matrix. */
import { loops } from './dense-loops.js';
import { requireFinite, requireShape } from './matrix.js';
import type { MatrixData } from './matrix.js';
import { LinalgError } from './linalg-error.js';

export interface TriangularSolveOptions {
  /** Right-hand sides: B is `[n, columns]`. Default 1. */
  readonly columns?: number;
  /** Solve Lᵀ·X = B instead of L·X = B. Default false. */
  readonly transpose?: boolean;
  /** The layer that errors name. */
  readonly layer?: string;
}

/** Right-hand sides that are worked on at a time, so that they stay in the cache while L passes by. */
const WIDTH = 64;

/**
 * X `[n, columns]` (a new array) with L·X = B, or Lᵀ·X = B, for a lower triangular L `[n, n]`, whose upper part is not read.
 * (An upper triangular U is the transpose of a lower one.) n²·columns operations (Golub and Van Loan, Matrix Computations,
 * Sec. 3.1).
 * @throws ApoError `INVALID_ARGUMENT` for wrong lengths; LinalgError `non-finite`, or `singular` for a zero on the diagonal.
 */
export function solveTriangular(
  l: Float64Array,
  b: MatrixData,
  n: number,
  { columns = 1, transpose = false, layer }: TriangularSolveOptions = {},
): Float64Array {
  requireLower(l, n, layer);
  requireShape('The right-hand side', b, n, columns);
  requireFinite('The right-hand side', b, layer);
  const x = Float64Array.from(b);
  for (let from = 0; from < columns; from += WIDTH) {
    const to = Math.min(from + WIDTH, columns);
    if (transpose) substituteBackward(l, x, n, columns, from, to);
    else loops.substituteForward(l, x, n, columns, from, to, 0);
  }
  requireFinite('The solution', x, layer);
  return x;
}

/**
 * L⁻¹ `[n, n]` (a new array, lower triangular) in n³/3 operations.
 * @throws as `solveTriangular`.
 */
export function invertLower(l: Float64Array, n: number, layer?: string): Float64Array {
  requireLower(l, n, layer);
  return loops.lowerInverse(l, n);
}

/** @throws as `solveTriangular`. */
export function requireLower(l: Float64Array, n: number, layer: string | undefined): void {
  requireShape('The triangular matrix', l, n, n);
  requireFinite('The triangular matrix', l, layer);
  requireDiagonal(l, n, layer);
}

function requireDiagonal(l: Float64Array, n: number, layer: string | undefined): void {
  for (let i = 0; i < n; i++) {
    if (l[i * n + i] === 0) {
      throw new LinalgError(
        'singular',
        `the triangular matrix has a zero at [${i}, ${i}], so no system with it can be solved; raise the damping.`,
        layer,
      );
    }
  }
}

/**
 * Columns [from, to) of X ← L⁻ᵀX, in place. L is read row after row: solved rows are taken off all those above, four at a
 * time.
 */
function substituteBackward(
  l: Float64Array,
  x: Float64Array,
  n: number,
  columns: number,
  from: number,
  to: number,
): void {
  for (let end = n; end > 0; end -= 4) {
    const start = Math.max(0, end - 4);
    for (let i = end - 1; i >= start; i--) {
      const solved = i * columns;
      const pivot = l[i * n + i]!;
      for (let j = from; j < to; j++) x[solved + j]! /= pivot;
      for (let k = start; k < i; k++) {
        const factor = l[i * n + k]!;
        for (let j = from; j < to; j++) x[k * columns + j]! -= factor * x[solved + j]!;
      }
    }
    // Only the topmost rows may be fewer than four, and nothing is above them.
    const r0 = start * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    const x0 = start * columns;
    const x1 = x0 + columns;
    const x2 = x1 + columns;
    const x3 = x2 + columns;
    for (let k = 0; k < start; k++) {
      const l0 = l[r0 + k]!;
      const l1 = l[r1 + k]!;
      const l2 = l[r2 + k]!;
      const l3 = l[r3 + k]!;
      const target = k * columns;
      for (let j = from; j < to; j++) {
        x[target + j]! -= l0 * x[x0 + j]! + l1 * x[x1 + j]! + (l2 * x[x2 + j]! + l3 * x[x3 + j]!);
      }
    }
  }
}
