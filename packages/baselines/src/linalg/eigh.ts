/** Symmetric eigen-decomposition A = Q·diag(λ)·Qᵀ on the calling thread. */
import { EigenvalueDecomposition, WrapperMatrix1D } from 'ml-matrix';
import { eigensystem } from './eigensystem.js';
import type { SymmetricEigen } from './eigensystem.js';
import { symmetrised } from './matrix.js';
import type { MatrixData, MatrixOptions } from './matrix.js';
import { LinalgError } from './linalg-error.js';

/**
 * Eigenvalues, ascending, and orthonormal eigenvectors of the symmetric matrix `a` `[n, n]`, all new arrays. About 9·n³
 * operations. The same matrix gives the same bits; the sign of an eigenvector, and the basis of a repeated eigenvalue's
 * space, mean nothing.
 * @throws ApoError `INVALID_ARGUMENT` for a wrong length; LinalgError `non-finite`, `not-symmetric`, `no-convergence`.
 */
export function eigh(a: MatrixData, n: number, options: MatrixOptions = {}): SymmetricEigen {
  return solveHere(symmetrised(a, n, options), n, options.layer);
}

/** `symmetric` is what `symmetrised` returned; it is overwritten. */
export function solveHere(symmetric: Float64Array, n: number, layer: string | undefined): SymmetricEigen {
  if (n === 0) return { values: new Float64Array(0), vectors: new Float64Array(0) };
  return verified(eigensystem({ EigenvalueDecomposition, WrapperMatrix1D }, symmetric, n), layer);
}

/** @throws LinalgError when a result is not a number: an eigenvalue too large for float64, or an iteration gone wrong. */
export function verified(eigen: SymmetricEigen, layer: string | undefined): SymmetricEigen {
  for (const value of eigen.values) {
    if (!Number.isFinite(value)) {
      throw new LinalgError(
        Number.isNaN(value) ? 'no-convergence' : 'non-finite',
        `an eigenvalue came out as ${value}; expected a finite number. Scale the matrix down or raise the damping.`,
        layer,
      );
    }
  }
  return eigen;
}
