/** Asks the processor how it rounds: a fused multiply-add rounds once, and where there is none the plain build is faster. */
import { multiplyAdd } from './multiply-add';

/** 1 when a·b + c is rounded once, else 0: (1 + e)² − (1 + 2e) is e² = 2⁻²⁴ or, with the square rounded first, 0. */
export function roundsOnce(e: f32): i32 {
  const a = f32x4.splat(1 + e);
  const c = f32x4.splat(-1 - 2 * e);
  return f32x4.extract_lane(multiplyAdd(a, a, c), 0) != 0 ? 1 : 0;
}
