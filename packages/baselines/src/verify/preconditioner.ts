/** The full preconditioner P that minimises the linearised/quadratic meta-objective, found by minimising it: nothing here knows what Theorem 1 says it must be. */
import { Matrix } from 'ml-matrix';
import { eigh } from '../linalg/eigh.js';
import { flat, meanOf, solve } from './textbook.js';

/** Eigenvalues of E[ggᵀ] below this fraction of the largest count as zero: float32 gradients leave 1e-13 there. */
const RANK_TOLERANCE = 1e-9;

export interface MinimalPreconditioner {
  /** P V, `[parameters, rank]`: the minimiser on the range of E[ggᵀ]. It is P itself at full rank. */
  readonly onRange: Matrix;
  /** An orthonormal basis V `[parameters, rank]` of that range; the identity at full rank. */
  readonly range: Matrix;
  readonly rank: number;
}

/**
 * argmin over P of E_g[ −gᵀPg + ½ (Pg)ᵀ C (Pg) ], C = λ_FSD G + λ_WSD I: the expectation, over gradients g `[parameters, 1]`, of
 * Q̂ at θ′ = θ − P g with the loss linearised and the function-space term quadratic (the ½ is that of Eq. 43; Eq. 38 lacks it).
 * With P = X Vᵀ on the range of E[ggᵀ], outside of which Q̂ does not see P, this is a positive definite quadratic in X; its
 * Hessian C ⊗ E[hhᵀ], h = Vᵀg, and gradient −E[ghᵀ] at X = 0 are summed over the gradients and solved with.
 */
export function minimalPreconditioner(gradients: readonly Matrix[], c: Matrix): MinimalPreconditioner {
  const n = c.rows;
  const range = rangeOf(meanOf(gradients.map((g) => g.mmul(g.transpose()))));
  const rank = range.columns;
  const projected = gradients.map((g) => range.transpose().mmul(g));
  const second = meanOf(projected.map((h) => h.mmul(h.transpose())));
  const cross = meanOf(gradients.map((g, i) => g.mmul(projected[i]!.transpose())));
  const hessian = c.kroneckerProduct(second);
  const right = Matrix.columnVector(cross.to1DArray());
  return { onRange: Matrix.from1DArray(n, rank, flat(solve(hessian, right))), range, rank };
}

/** Q̂(P) less its constant, for P as `minimalPreconditioner` gives it. */
export function metaObjective(
  { onRange, range }: Pick<MinimalPreconditioner, 'onRange' | 'range'>,
  gradients: readonly Matrix[],
  c: Matrix,
): number {
  const values = gradients.map((g) => {
    const step = onRange.mmul(range.transpose()).mmul(g);
    return 0.5 * step.transpose().mmul(c).mmul(step).get(0, 0) - g.transpose().mmul(step).get(0, 0);
  });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rangeOf(moment: Matrix): Matrix {
  const n = moment.rows;
  const { values, vectors } = eigh(flat(moment), n);
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const kept = Array.from({ length: n }, (_, i) => i).filter((i) => values[i]! > RANK_TOLERANCE * largest);
  if (kept.length === n) return Matrix.eye(n);
  return Matrix.from1DArray(n, n, vectors).subMatrixColumn(kept);
}
