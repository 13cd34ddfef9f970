/**
 * A^(−1/p) by the coupled Newton iteration (Guo and Higham 2006; for Shampoo in Anil et al. 2020), the independent check of
 * the way by eigenvalues:
 *
 *     T = ((p + 1)·I − M)/p        M ← Tᵖ·M        H ← H·T        from  M = z·A, H = z^(1/p)·I, z = (p + 1)/(2‖A‖)
 *
 * keeps Hᵖ·A = M, and M tends to I. All of them are polynomials in A, so each product is symmetric and costs half.
 */
import { loops } from './dense-loops.js';
import { requireFinite } from './matrix.js';
import { LinalgError } from './linalg-error.js';

/** Steps in which an eigenvalue of M near 1/2 reaches 1, doubling its digits each time, and some to spare. */
const LAST_STEPS = 10;

/**
 * (A + damping·I)^(−1/p) `[n, n]` of a symmetric, finite `a`, which is overwritten.
 * @throws LinalgError `not-positive-definite`, `non-finite`.
 */
export function coupledNewtonRoot(
  a: Float64Array,
  n: number,
  p: number,
  damping: number,
  layer: string | undefined,
): Float64Array {
  for (let i = 0; i < n; i++) a[i * n + i]! += damping;
  const norm = infinityNorm(a, n);
  if (n > 0 && norm === 0) throw notPositive(n, 'it is zero', layer);
  const z = (p + 1) / 2;
  let m: Float64Array = a.map((value) => (value / norm) * z);
  let h: Float64Array = scaledIdentity(n, z ** (1 / p));
  const tolerance = n * Number.EPSILON;
  // A step multiplies a small eigenvalue by ((p + 1)/p)ᵖ at most: one that takes longer was below rounding noise at the start.
  const maxSteps = Math.ceil(Math.log(1 / tolerance) / (p * Math.log1p(1 / p))) + LAST_STEPS;
  let error = distanceToIdentity(m, n);
  for (let step = 0; error > tolerance; step++) {
    if (step === maxSteps) throw notPositive(n, `no convergence in ${step} steps`, layer);
    const t = newtonFactor(m, n, p);
    const nextM = loops.symmetricProduct(power(t, n, p), m, n);
    const nextH = loops.symmetricProduct(h, t, n);
    const nextError = distanceToIdentity(nextM, n);
    // From a small error on, a step that does not lower it further has reached rounding noise.
    if (nextError >= error && error < 1e-6) break;
    // Eigenvalues of M start in (0, (p + 1)/2] and move towards 1; one that does not was not positive.
    if (!(nextError <= Math.max(error, 1) * (1 + 1e-6))) {
      throw notPositive(n, `the iteration moved away in step ${step}`, layer);
    }
    [m, h, error] = [nextM, nextH, nextError];
  }
  const root = h.map((value) => value * norm ** (-1 / p));
  requireFinite('The inverse root', root, layer);
  return root;
}

/** ((p + 1)·I − M)/p. */
function newtonFactor(m: Float64Array, n: number, p: number): Float64Array {
  const t = m.map((value) => -value / p);
  for (let i = 0; i < n; i++) t[i * n + i]! += (p + 1) / p;
  return t;
}

/** Tᵖ by squaring, p ≥ 1. */
function power(t: Float64Array, n: number, p: number): Float64Array {
  let result: Float64Array | undefined;
  let square = t;
  for (let rest = p; ; rest >>= 1) {
    if (rest & 1) result = result === undefined ? square : loops.symmetricProduct(result, square, n);
    if (rest <= 1) return result ?? square;
    square = loops.symmetricProduct(square, square, n);
  }
}

function scaledIdentity(n: number, value: number): Float64Array {
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = value;
  return identity;
}

/** max |M − I|; NaN when an entry is. */
function distanceToIdentity(m: Float64Array, n: number): number {
  let distance = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) distance = Math.max(distance, Math.abs(m[i * n + j]! - (i === j ? 1 : 0)));
  }
  return distance;
}

/** The largest row sum of |A|: at least the largest eigenvalue. */
function infinityNorm(a: Float64Array, n: number): number {
  let norm = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.abs(a[i * n + j]!);
    norm = Math.max(norm, sum);
  }
  return norm;
}

function notPositive(n: number, what: string, layer: string | undefined): LinalgError {
  return new LinalgError(
    'not-positive-definite',
    `the matrix of side ${n} has no inverse root: ${what}; expected positive eigenvalues. Raise the damping.`,
    layer,
  );
}
