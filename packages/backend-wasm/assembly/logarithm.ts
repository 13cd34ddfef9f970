/**
 * ln x and what is made of it, four lanes at a time: x = 2ᵏ·(1 + f) with 1 + f in [√½, √2), and ln(1 + f) as a series in
 * f/(2 + f) (the coefficients of FreeBSD's logf). Negative x gives NaN, ±0 gives −∞; subnormal x are scaled up first.
 */
import { Exp } from './exponential';
import { multiplyAdd } from './multiply-add';

/** The bits of √½. */
const ROOT_HALF = 0x3f3504f3;

@unmanaged
export class Log {
  @inline
  static of(x: v128): v128 {
    const subnormal = f32x4.lt(x, f32x4.splat(1.1754943508222875e-38));
    const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal);
    const bits = i32x4.add(scaled, i32x4.splat(0x3f800000 - ROOT_HALF));
    const exponent = i32x4.sub(i32x4.shr_s(bits, 23), v128.and(subnormal, i32x4.splat(23)));
    const k = f32x4.convert_i32x4_s(i32x4.sub(exponent, i32x4.splat(127)));
    const mantissa = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(ROOT_HALF));
    const y = Log.ofParts(k, f32x4.sub(mantissa, f32x4.splat(1)));
    // What is not a positive finite number: ln ∞ = ∞ and NaN is kept (x + x), ln ±0 = −∞, the rest is NaN.
    const positive = f32x4.gt(x, f32x4.splat(0));
    const finite = f32x4.lt(x, f32x4.splat(Infinity));
    const zero = f32x4.eq(x, f32x4.splat(0));
    const large = v128.bitselect(y, f32x4.add(x, x), v128.and(positive, finite));
    const low = v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), zero);
    return v128.bitselect(low, large, f32x4.le(x, f32x4.splat(0)));
  }

  /** k·ln 2 + ln(1 + f), ln 2 in two parts. */
  @inline
  static ofParts(k: v128, f: v128): v128 {
    const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2)));
    const z = f32x4.mul(s, s);
    const w = f32x4.mul(z, z);
    const odd = multiplyAdd(w, f32x4.splat(0.24279078841), f32x4.splat(0.40000972152));
    const even = multiplyAdd(w, f32x4.splat(0.28498786688), f32x4.splat(0.66666662693));
    const series = multiplyAdd(w, odd, f32x4.mul(z, even));
    const half = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
    const low = multiplyAdd(k, f32x4.splat(9.0580006145e-6), f32x4.mul(s, f32x4.add(half, series)));
    return multiplyAdd(k, f32x4.splat(6.9313812256e-1), f32x4.add(f32x4.sub(low, half), f));
  }

  @inline
  of(x: v128): v128 {
    return Log.of(x);
  }
}

/** ln(1 + x) as ln u + (x − (u − 1))/u with u = 1 + x rounded: the second term is what the rounding lost. −0 stays −0. */
@unmanaged
export class Log1p {
  @inline
  static of(x: v128): v128 {
    const one = f32x4.splat(1);
    const u = f32x4.add(one, x);
    const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, one)), u);
    // Where u is 0 or ∞ nothing was lost, and the quotient above is NaN.
    const regular = v128.and(f32x4.gt(u, f32x4.splat(0)), f32x4.lt(u, f32x4.splat(Infinity)));
    const y = f32x4.add(Log.of(u), v128.and(lost, regular));
    return v128.bitselect(x, y, f32x4.eq(u, one));
  }

  @inline
  of(x: v128): v128 {
    return Log1p.of(x);
  }
}

/**
 * ln(1 + eˣ) = max(x, 0) + ln(1 + e⁻|ˣ|), which neither overflows nor cancels. With e = e⁻|ˣ| in [0, 1], 1 + e = 2ᵏ·(1 + f)
 * holds exactly for k = 0, f = e below √2 − 1 and k = 1, f = (e − 1)/2 above.
 */
@unmanaged
export class Softplus {
  @inline
  of(x: v128): v128 {
    const e = Exp.of(f32x4.neg(f32x4.abs(x)));
    const one = f32x4.splat(1);
    const above = f32x4.gt(e, f32x4.splat(0.41421356));
    const f = v128.bitselect(f32x4.mul(f32x4.sub(e, one), f32x4.splat(0.5)), e, above);
    // Below 2⁻²⁶ ln(1 + e) is e, and squares that underflow would be slow.
    const small = f32x4.lt(e, f32x4.splat(1.4901161e-8));
    const rest = Log.ofParts(v128.and(above, one), v128.bitselect(f32x4.splat(0), f, small));
    return f32x4.add(f32x4.max(x, f32x4.splat(0)), v128.bitselect(e, rest, small));
  }
}
