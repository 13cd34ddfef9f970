/**
 * The loops of dense linear algebra that a worker runs too. They stand in one function that refers to nothing outside itself,
 * because a worker is given its source text: it gives the same bits there as here. No checks: those are the callers'.
 */

/** A pivot of a Cholesky factorisation that is not above rounding noise. */
export interface FailedPivot {
  readonly row: number;
  readonly pivot: number;
  /** What the pivot was before anything was taken off. */
  readonly diagonal: number;
}

export interface LoopOptions {
  /** A and B are upper triangular. */
  readonly upper?: boolean;
}

export type DenseLoops = ReturnType<typeof denseLoops>;

export function denseLoops() {
  /** Columns of X that are worked on at a time, so that they stay in the cache while L passes by. */
  const WIDTH = 64;
  /** Columns of one tile: rows of a tile of B stay in the second-level cache. */
  const DEPTH = 256;
  /** Rows of B in one tile. */
  const TILE = 64;

  return {
    factor,
    gramOfInverse,
    positiveInverse,
    lowerInverse,
    substituteForward,
    symmetricProduct,
    transposed,
  };

  /**
   * L with L·Lᵀ = A in the place of A: the lower triangle, with zeros above it (Golub and Van Loan, Matrix Computations,
   * Alg. 4.2.1, by rows). A pivot that failed ends it.
   */
  function factor(l: Float64Array, n: number): FailedPivot | undefined {
    for (let i = 0; i < n; i++) {
      const row = i * n;
      for (let j = 0; j < i; j++) {
        l[row + j] = (l[row + j]! - dot(l, row, j * n, j)) / l[j * n + j]!;
      }
      const diagonal = l[row + i]!;
      const pivot = diagonal - dot(l, row, row, i);
      // What is left of a diagonal entry after cancellation is rounding noise of this size.
      const noise = (i + 1) * Number.EPSILON * diagonal;
      if (!(pivot > noise)) return { row: i, pivot, diagonal };
      l[row + i] = Math.sqrt(pivot);
      l.fill(0, row + i + 1, row + n);
    }
    return undefined;
  }

  /** A⁻¹, symmetric to the last bit; A is overwritten. */
  function positiveInverse(a: Float64Array, n: number): Float64Array<ArrayBuffer> | FailedPivot {
    return factor(a, n) ?? gramOfInverse(a, n);
  }

  /** L⁻ᵀ·L⁻¹. */
  function gramOfInverse(l: Float64Array, n: number): Float64Array<ArrayBuffer> {
    const rows = transposed(lowerInverse(l, n), n);
    return symmetricProduct(rows, rows, n, { upper: true });
  }

  /** L⁻¹, lower triangular. */
  function lowerInverse(l: Float64Array, n: number): Float64Array {
    const x = new Float64Array(n * n);
    for (let i = 0; i < n; i++) x[i * n + i] = 1;
    // Column j of the inverse is zero above row j.
    for (let from = 0; from < n; from += WIDTH) {
      substituteForward(l, x, n, n, from, Math.min(from + WIDTH, n), from);
    }
    return x;
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

  /** Columns [from, to) of X ← L⁻¹X, in place, for an X that is zero above row `top` there. */
  function substituteForward(
    l: Float64Array,
    x: Float64Array,
    n: number,
    columns: number,
    from: number,
    to: number,
    top: number,
  ): void {
    for (let i = top; i < n; i++) {
      const row = i * n;
      const target = i * columns;
      let k = top;
      for (; k + 3 < i; k += 4) {
        const l0 = l[row + k]!;
        const l1 = l[row + k + 1]!;
        const l2 = l[row + k + 2]!;
        const l3 = l[row + k + 3]!;
        const x0 = k * columns;
        const x1 = x0 + columns;
        const x2 = x1 + columns;
        const x3 = x2 + columns;
        for (let j = from; j < to; j++) {
          x[target + j]! -= l0 * x[x0 + j]! + l1 * x[x1 + j]! + (l2 * x[x2 + j]! + l3 * x[x3 + j]!);
        }
      }
      for (; k < i; k++) {
        const factor = l[row + k]!;
        for (let j = from; j < to; j++) x[target + j]! -= factor * x[k * columns + j]!;
      }
      const pivot = l[row + i]!;
      for (let j = from; j < to; j++) x[target + j]! /= pivot;
    }
  }

  /** Aᵀ `[n, n]`, a new array. */
  function transposed(a: Float64Array, n: number): Float64Array {
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

  /**
   * A·Bᵀ `[n, n]` for matrices of which it is known to be symmetric: B = A, or A and B symmetric and commuting. The lower
   * triangle is computed and mirrored, so that the result is symmetric to the last bit and costs n³ operations, not 2n³.
   * With `upper` A and B are upper triangular, which saves two thirds of them.
   */
  function symmetricProduct(
    a: Float64Array,
    b: Float64Array,
    n: number,
    { upper = false }: LoopOptions = {},
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
}

export const loops = denseLoops();
