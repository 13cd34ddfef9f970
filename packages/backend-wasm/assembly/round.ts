/** float32 rounded to the nearest bfloat16 or float16, ties to even, by its bits; the result is a float32 that the format has. */
import { map } from './map';

const SIGN: i32 = 0x80000000;
const QUIET_NAN: i32 = 0x7fc00000;

/** Drops the last `dropped` bits of the significand; a carry goes on into the exponent, as it should. */
function keepLeading(x: v128, dropped: i32): v128 {
  const lowest = v128.and(i32x4.shr_u(x, dropped), i32x4.splat(1));
  const up = i32x4.add(lowest, i32x4.splat((1 << (dropped - 1)) - 1));
  return v128.and(i32x4.add(x, up), i32x4.splat(-1 << dropped));
}

function keepNaN(x: v128, rounded: v128): v128 {
  return v128.bitselect(i32x4.splat(QUIET_NAN), rounded, f32x4.ne(x, x));
}

@unmanaged
class ToBfloat16 {
  @inline
  of(x: v128): v128 {
    return keepNaN(x, keepLeading(x, 16));
  }
}

@unmanaged
class ToFloat16 {
  @inline
  of(x: v128): v128 {
    const sign = v128.and(x, i32x4.splat(SIGN));
    const magnitude = v128.andnot(x, i32x4.splat(SIGN));
    const normal = keepLeading(magnitude, 13);
    // 65536 and above is infinity, also where rounding led there.
    const finite = v128.bitselect(
      i32x4.splat(0x7f800000),
      normal,
      i32x4.ge_s(normal, i32x4.splat(0x47800000)),
    );
    // Around ½ float32 is spaced as float16's subnormal numbers are, 2⁻²⁴; these are the magnitudes below 2⁻¹⁴.
    const subnormal = f32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), f32x4.splat(0.5));
    const below = i32x4.lt_s(magnitude, i32x4.splat(0x38800000));
    return keepNaN(x, v128.or(sign, v128.bitselect(subnormal, finite, below)));
  }
}

/** y[i] = x[i] as a bfloat16, for `count` float32s; y may be x. */
export function roundBfloat16(x: usize, y: usize, count: i32): void {
  map<ToBfloat16>(x, y, count);
}

/** y[i] = x[i] as a float16, for `count` float32s; y may be x. */
export function roundFloat16(x: usize, y: usize, count: i32): void {
  map<ToFloat16>(x, y, count);
}
