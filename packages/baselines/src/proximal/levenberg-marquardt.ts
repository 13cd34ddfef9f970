/** Levenberg–Marquardt damping: λ follows how well the quadratic model foretold the loss (Martens 2010, Sec. 4.1). */
import { requireArgument, requireNumber } from '@apo/core';

export interface LevenbergMarquardtOptions {
  /** λ is divided by this when the ratio is above `high` and multiplied by it when it is below `low`, > 1. Default 1.5. */
  readonly factor?: number;
  /** Default 0.25. */
  readonly low?: number;
  /** Default 0.75. */
  readonly high?: number;
  /** λ stays between these, 0 < min ≤ max. Defaults 1e-10 and 1e10. */
  readonly min?: number;
  readonly max?: number;
}

export type ResolvedLevenbergMarquardt = Required<LevenbergMarquardtOptions>;

/** @throws ApoError `INVALID_ARGUMENT` for a value out of range. */
export function resolveLevenbergMarquardt(options: LevenbergMarquardtOptions): ResolvedLevenbergMarquardt {
  const { factor = 1.5, low = 0.25, high = 0.75, min = 1e-10, max = 1e10 } = options;
  requireNumber('levenbergMarquardt.factor', factor, { min: 1, exclusive: true });
  requireNumber('levenbergMarquardt.low', low);
  requireNumber('levenbergMarquardt.high', high, { min: low });
  requireNumber('levenbergMarquardt.min', min, { min: 0, exclusive: true });
  requireArgument(
    max >= min,
    () => `levenbergMarquardt.max is ${max}; expected at least levenbergMarquardt.min, ${min}.`,
  );
  return { factor, low, high, min, max };
}

/**
 * (J(θ′) − J(θ)) / (M(δ) − M(0)): 1 for a perfect model, negative where the loss rose. A model that foretells no decrease, or
 * a loss that is not finite, counts as −1.
 */
export function reductionRatio(actual: number, predicted: number): number {
  const ratio = actual / predicted;
  return predicted < 0 && Number.isFinite(ratio) ? ratio : -1;
}

/** λ after a step of that ratio. */
export function adaptDamping(
  lambda: number,
  ratio: number,
  { factor, low, high, min, max }: ResolvedLevenbergMarquardt,
): number {
  const next = ratio < low ? lambda * factor : ratio > high ? lambda / factor : lambda;
  return Math.min(Math.max(next, min), max);
}
