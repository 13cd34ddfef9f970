/** The weight-space term at θ′: v + λ (θ′ − θ) and Σ (θ′ − θ)² in one pass (Eq. 8). */
import { multiplyAdd } from './multiply-add';
import { lanesOf } from './vector';

/** Floats whose squares are added in float32 lanes before the sum moves on to float64. */
const BLOCK: usize = 1_024;

/**
 * output = v + lambda · (lookahead − variable) over n ≥ 0 floats, and the sum of squared differences, written to `sum` as one
 * float64 (8 bytes, aligned). The sum alone where `cotangent` and `output` are 0.
 */
export function weightPull(
  cotangent: usize,
  lookahead: usize,
  variable: usize,
  output: usize,
  n: i32,
  lambda: f32,
  sum: usize,
): void {
  const factor = f32x4.splat(lambda);
  const end = (<usize>n) << 2;
  const whole = end & ~15;
  let total: f64 = 0;
  let at: usize = 0;
  while (at < whole) {
    const stop = min(whole, at + (BLOCK << 2));
    let squares = f32x4.splat(0);
    for (; at < stop; at += 16) {
      const difference = f32x4.sub(v128.load(lookahead + at), v128.load(variable + at));
      squares = multiplyAdd(difference, difference, squares);
      if (output != 0) v128.store(output + at, multiplyAdd(factor, difference, v128.load(cotangent + at)));
    }
    total += lanesOf(squares);
  }
  for (; at < end; at += 4) {
    const difference = load<f32>(lookahead + at) - load<f32>(variable + at);
    total += <f64>difference * <f64>difference;
    if (output != 0) store<f32>(output + at, load<f32>(cotangent + at) + lambda * difference);
  }
  store<f64>(sum, total);
}
