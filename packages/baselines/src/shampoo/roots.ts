/** The inverse roots (L + ε max(diag L) I)^(−1/p) of Shampoo's statistics, by eigenvalues or by the coupled Newton iteration. */
import { inverseRoot, inverseRootFromEigen } from '../linalg/inverse-root.js';
import { decompose } from '../step/needs.js';
import type { Needs } from '../step/needs.js';

export interface Statistic {
  /** Symmetric positive semi-definite `[side, side]`, but for the rounding of float32 sums. */
  readonly values: Float32Array;
  readonly side: number;
}

export interface RootOptions {
  /** p. */
  readonly exponent: number;
  /** ε > 0, a share of the largest diagonal entry, so that it means the same at every scale; a statistic of zeros gets ε itself. */
  readonly epsilon: number;
  readonly method: 'eigen' | 'newton';
}

/** One root `[side, side]` for each statistic. @throws LinalgError that names `layer`. */
export function* inverseRoots(
  layer: string,
  statistics: readonly Statistic[],
  { exponent, epsilon, method }: RootOptions,
): Needs<Float64Array[]> {
  const dampings = statistics.map((statistic) => epsilon * (largestDiagonal(statistic) || 1));
  if (method === 'newton')
    return statistics.map(({ values, side }, i) =>
      inverseRoot(values, side, exponent, { method: 'newton', damping: dampings[i]!, layer }),
    );
  const eigen = yield* decompose(statistics.map(({ values, side }) => ({ matrix: values, side, layer })));
  return eigen.map(({ values, vectors }, i) => {
    // Eigenvalues below zero are rounding; the statistic has none.
    const clipped = { values: values.map((value) => Math.max(value, 0)), vectors };
    return inverseRootFromEigen(clipped, exponent, { damping: dampings[i]!, layer });
  });
}

function largestDiagonal({ values, side }: Statistic): number {
  let largest = 0;
  for (let i = 0; i < side; i++) largest = Math.max(largest, values[i * side + i]!);
  return largest;
}
