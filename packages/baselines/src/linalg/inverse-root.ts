/** A^(−1/p) of a symmetric positive definite matrix: by eigen-decomposition, and by the coupled Newton iteration beside it. */
import { requireInteger, requireNumber } from '@apo/core';
import { coupledNewtonRoot } from './coupled-newton.js';
import type { SymmetricEigen } from './eigensystem.js';
import { eigh } from './eigh.js';
import { loops } from './dense-loops.js';
import { requireFinite, requireShape, symmetrised } from './matrix.js';
import type { MatrixData, MatrixOptions } from './matrix.js';
import { LinalgError } from './linalg-error.js';

export interface InverseRootOptions extends MatrixOptions {
  /** Added to every eigenvalue: (A + damping·I)^(−1/p). At least 0, default 0. */
  readonly damping?: number;
  /** Default `eigen`. `newton` needs no eigenvalues, only matrix products, 20 to 60 steps of them. */
  readonly method?: 'eigen' | 'newton';
}

/**
 * (A + damping·I)^(−1/p) `[n, n]` (a new array, symmetric to the last bit) of a symmetric positive semi-definite `a` `[n, n]`.
 * `p` is a whole number ≥ 1; Shampoo takes 2·order (Gupta, Koren and Singer 2018).
 * @throws ApoError `INVALID_ARGUMENT`; LinalgError `non-finite`, `not-symmetric`, `not-positive-definite` when an eigenvalue
 *   of A + damping·I is not above rounding noise, `no-convergence`.
 */
export function inverseRoot(
  a: MatrixData,
  n: number,
  p: number,
  { damping = 0, method = 'eigen', ...options }: InverseRootOptions = {},
): Float64Array {
  requireInteger('p', p, 1);
  requireNumber('damping', damping, { min: 0 });
  const { layer } = options;
  switch (method) {
    case 'eigen':
      return inverseRootFromEigen(eigh(a, n, options), p, {
        damping,
        ...(layer === undefined ? {} : { layer }),
      });
    case 'newton':
      return coupledNewtonRoot(symmetrised(a, n, options), n, p, damping, layer);
  }
}

/**
 * The same from an eigen-decomposition at hand: Q·diag((λ + damping)^(−1/p))·Qᵀ. An eigenvalue a rounding error below zero
 * counts as zero.
 * @throws as `inverseRoot`.
 */
export function inverseRootFromEigen(
  { values, vectors }: SymmetricEigen,
  p: number,
  { damping = 0, layer }: { damping?: number; layer?: string } = {},
): Float64Array {
  requireInteger('p', p, 1);
  requireNumber('damping', damping, { min: 0 });
  const n = values.length;
  requireShape('The matrix of eigenvectors', vectors, n, n);
  const halves = rootPowers(values, damping, -1 / (2 * p), layer);
  const half = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) half[i * n + k] = vectors[i * n + k]! * halves[k]!;
  }
  const root = loops.symmetricProduct(half, half, n);
  requireFinite('The inverse root', root, layer);
  return root;
}

/** (max(λ, 0) + damping)^exponent. */
function rootPowers(
  values: Float64Array,
  damping: number,
  exponent: number,
  layer: string | undefined,
): Float64Array {
  const n = values.length;
  const largest = n === 0 ? 0 : Math.max(Math.abs(values[0]!), Math.abs(values[n - 1]!)) + damping;
  const noise = n * Number.EPSILON * largest;
  return values.map((value) => {
    const shifted = Math.max(value, 0) + damping;
    if (value < -noise || !(shifted > noise)) {
      throw new LinalgError(
        'not-positive-definite',
        `the matrix of side ${n} has the eigenvalue ${value} (damping ${damping}, largest ${largest}); expected ` +
          `eigenvalues above ${noise}. Raise the damping.`,
        layer,
      );
    }
    return shifted ** exponent;
  });
}
