/** Gradients of activations over float32s, from the upstream gradient and what the activation took or gave: `combine`'s layout. */
import { combine } from './combine';

/** dy·[x > 0]; NaN where x is. */
@unmanaged
class ReluGradient {
  @inline
  of(dy: v128, x: v128): v128 {
    const slope = v128.and(f32x4.splat(1), f32x4.gt(x, f32x4.splat(0)));
    // All bits set, as `ne` gives them for NaN, is a NaN.
    return f32x4.mul(dy, v128.or(slope, f32x4.ne(x, x)));
  }
}

/** dy·y(1 − y) with y the logistic function. */
@unmanaged
class SigmoidGradient {
  @inline
  of(dy: v128, y: v128): v128 {
    return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
  }
}

/** dy·(1 − y²) with y the hyperbolic tangent. */
@unmanaged
class TanhGradient {
  @inline
  of(dy: v128, y: v128): v128 {
    return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}

/** dx = dy·[x > 0] */
export function reluGradient(
  dy: usize,
  dyRowStride: i32,
  dyStep: i32,
  x: usize,
  xRowStride: i32,
  xStep: i32,
  dx: usize,
  rows: i32,
  columns: i32,
): void {
  combine<ReluGradient>(dy, dyRowStride, dyStep, x, xRowStride, xStep, dx, rows, columns);
}

/** dx = dy·y(1 − y) */
export function sigmoidGradient(
  dy: usize,
  dyRowStride: i32,
  dyStep: i32,
  y: usize,
  yRowStride: i32,
  yStep: i32,
  dx: usize,
  rows: i32,
  columns: i32,
): void {
  combine<SigmoidGradient>(dy, dyRowStride, dyStep, y, yRowStride, yStep, dx, rows, columns);
}

/** dx = dy·(1 − y²) */
export function tanhGradient(
  dy: usize,
  dyRowStride: i32,
  dyStep: i32,
  y: usize,
  yRowStride: i32,
  yStep: i32,
  dx: usize,
  rows: i32,
  columns: i32,
): void {
  combine<TanhGradient>(dy, dyRowStride, dyStep, y, yRowStride, yStep, dx, rows, columns);
}
