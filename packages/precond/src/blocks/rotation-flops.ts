/** How many operations the batch rotation of a Kronecker block takes (`rotated.ts`), and where those are fewer than without it. */
import type { Factor } from '../factors/factor.js';
import { identityFactor } from '../factors/identity.js';
import type { BlockFlops } from './block.js';
import type { KroneckerFactors } from './kronecker.js';

/** Rotations have to take less than this part of the operations, since they add passes over X̄, Δ and R that no count sees. */
export const WORTHWHILE = 0.9;

/**
 * For N rows. Only R is cheaper, U = B T Aᵀ is not: with whole matrices R takes 2N(m² + n² + mn) for X̄B, ΔA and their product, against
 * 2mn(m + n), so that it pays for N < mn(m + n) / (m² + n² + mn), which is ⅔ m when m = n. To rotate one
 * side alone is never better: Bᵀ(X̄ᵀ(ΔA)) takes fewer operations than Bᵀ(GA) for N < mn / (m + n) only, and there both sides pay.
 */
export function rotatedFlops(
  [m, n]: readonly [number, number],
  { rows, columns }: KroneckerFactors,
  batchRows: number,
): BlockFlops {
  const inner = 2 * batchRows * m * n;
  const rotation = rows.flops(batchRows) + columns.flops(batchRows) + inner;
  const whole = rows.flops(n) + columns.flops(m);
  const has = (factor: Factor): number => (factor.parameters > 0 ? 1 : 0);
  return {
    flops: rotation + whole + 2 * m * n,
    // R from rows and Q from V; of each sum of two terms, V's as ever and G's over the rows: Δᵀ((X̄B)N) and X̄ᵀ((ΔA)Nᵀ).
    gradientFlops:
      rotation +
      whole +
      columns.columnGradientFlops(m, rows) / 2 +
      columns.columnGradientFlops(batchRows, identityFactor) / 2 +
      has(columns) * inner +
      rows.rowGradientFlops(n) / 2 +
      rows.columnGradientFlops(batchRows, identityFactor) / 2 +
      has(rows) * inner +
      8 * m * n,
  };
}

/** Which of both takes fewer operations, the step's and the product's judged alone. */
export function chooseRotation(plain: BlockFlops, rotated: BlockFlops): { step: boolean; gradient: boolean } {
  return {
    step: rotated.flops < WORTHWHILE * plain.flops,
    gradient: rotated.gradientFlops < WORTHWHILE * plain.gradientFlops,
  };
}
