/**
 * The eigen-decomposition itself: Householder tridiagonalisation and implicit QL by ml-matrix, on a matrix scaled by a power
 * of two. The function stands alone, with the library as an argument, because a worker runs its source text: it gives the
 * same bits there as here.
 */
import type { EigenvalueDecomposition, WrapperMatrix1D } from 'ml-matrix';

/** What is used of ml-matrix. */
export interface EigenLibrary {
  readonly EigenvalueDecomposition: typeof EigenvalueDecomposition;
  readonly WrapperMatrix1D: typeof WrapperMatrix1D;
}

/** A = Q·diag(λ)·Qᵀ. */
export interface SymmetricEigen {
  /** λ `[n]`, ascending. */
  readonly values: Float64Array;
  /** Q `[n, n]`, row-major; column k is the unit eigenvector of λₖ. */
  readonly vectors: Float64Array;
}

/** `a` is symmetric `[n, n]`, finite, n ≥ 1; it is overwritten. */
export function eigensystem(library: EigenLibrary, a: Float64Array, n: number): SymmetricEigen {
  let largest = 0;
  for (const value of a) largest = Math.max(largest, Math.abs(value));
  // Exact, and keeps squares and products of entries inside the range of float64. ±1000: 2^±1074 is not in that range itself.
  const exponent = largest === 0 ? 0 : Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
  const scale = 2 ** -exponent;
  // What is smaller than the largest entry by 2^500 changes no eigenvalue by a rounding error, and the library loses the
  // orthogonality of the vectors, or its way, where the squares of such entries fall out of the range of float64.
  const negligible = largest * scale * 2 ** -500;
  for (let i = 0; i < a.length; i++) {
    const entry = a[i]! * scale;
    a[i] = Math.abs(entry) < negligible ? 0 : entry;
  }
  const { realEigenvalues, eigenvectorMatrix } = new library.EigenvalueDecomposition(
    new library.WrapperMatrix1D(a, { rows: n }),
    { assumeSymmetric: true },
  );
  const values = Float64Array.from(realEigenvalues, (value) => value * 2 ** exponent);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) vectors[i * n + j] = eigenvectorMatrix.get(i, j);
  }
  return { values, vectors };
}
