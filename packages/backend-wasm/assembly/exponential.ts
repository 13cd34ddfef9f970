/**
 * eˣ and what is made of it, four lanes at a time: x = n·ln 2 + r with |r| ≤ ½ ln 2, a polynomial in r
 * (relative error 3·10⁻⁹, by least squares reweighted towards the largest error), and 2ⁿ from its exponent bits. NaN stays
 * NaN, −0 keeps its sign where the function is odd, and Exp keeps subnormal results.
 */
import { multiplyAdd } from './multiply-add';

/** The parts that the functions below share. */
class Reduction {
  /** n = x/ln 2 to the nearest whole number. */
  @inline
  static multiple(x: v128): v128 {
    return f32x4.nearest(f32x4.mul(x, f32x4.splat(1.4426950408889634)));
  }

  /** eʳ − 1 for r = x − n·ln 2; ln 2 in two parts, the first short enough for n times it to be exact. */
  @inline
  static expm1(x: v128, n: v128): v128 {
    const high = multiplyAdd(n, f32x4.splat(-0.693359375), x);
    const r = multiplyAdd(n, f32x4.splat(2.1219444e-4), high);
    let p = multiplyAdd(f32x4.splat(1.3814221525e-3), r, f32x4.splat(8.3688987103e-3));
    p = multiplyAdd(p, r, f32x4.splat(4.1668405729e-2));
    p = multiplyAdd(p, r, f32x4.splat(1.6666519129e-1));
    p = multiplyAdd(p, r, f32x4.splat(4.9999993346e-1));
    return multiplyAdd(p, f32x4.mul(r, r), r);
  }

  /** 2ᵏ for whole k in [−126, 127], and 0 for k = −127; given as int32 lanes. */
  @inline
  static powerOfTwo(k: v128): v128 {
    return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
  }
}

/** eˣ. Beyond ±104 nothing changes any more, so x is clamped there; 2ⁿ comes in two halves, which reach 0 and ∞. */
@unmanaged
export class Exp {
  @inline
  static of(x: v128): v128 {
    const clamped = f32x4.pmax(f32x4.pmin(x, f32x4.splat(104)), f32x4.splat(-104));
    const n = Reduction.multiple(clamped);
    const p = f32x4.add(Reduction.expm1(clamped, n), f32x4.splat(1));
    const k = i32x4.trunc_sat_f32x4_s(n);
    const half = i32x4.shr_s(k, 1);
    return f32x4.mul(f32x4.mul(p, Reduction.powerOfTwo(half)), Reduction.powerOfTwo(i32x4.sub(k, half)));
  }

  @inline
  of(x: v128): v128 {
    return Exp.of(x);
  }
}

/** eˣ for x ≤ 0, with 0 in the place of what lies below the smallest normal number: exactly 0 for −∞. */
@unmanaged
export class ExpOfNegative {
  @inline
  static of(x: v128): v128 {
    const clamped = f32x4.pmax(x, f32x4.splat(-88));
    const n = Reduction.multiple(clamped);
    const p = f32x4.add(Reduction.expm1(clamped, n), f32x4.splat(1));
    // −88 gives n = −127, whose exponent bits are those of 0.
    return f32x4.mul(p, Reduction.powerOfTwo(i32x4.trunc_sat_f32x4_s(n)));
  }
}

/** eˣ − 1 = 2·(2ⁿ⁻¹·(eʳ − 1) + (2ⁿ⁻¹ − ½)), without cancellation at small x. */
@unmanaged
export class Expm1 {
  /** But for the sign of zero. */
  @inline
  static ofOther(x: v128): v128 {
    const clamped = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-20));
    const n = Reduction.multiple(clamped);
    const scale = Reduction.powerOfTwo(i32x4.sub(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(1)));
    const q = Reduction.expm1(clamped, n);
    const y = multiplyAdd(q, scale, f32x4.sub(scale, f32x4.splat(0.5)));
    return f32x4.add(y, y);
  }

  @inline
  of(x: v128): v128 {
    return v128.bitselect(x, Expm1.ofOther(x), f32x4.eq(x, f32x4.splat(0)));
  }
}

/** tanh|x| = m/(m + 2) with m = e^(2|x|) − 1, under the sign of x. From 10 on it is 1. */
@unmanaged
export class Tanh {
  @inline
  of(x: v128): v128 {
    const magnitude = f32x4.pmin(f32x4.abs(x), f32x4.splat(10));
    const double = f32x4.add(magnitude, magnitude);
    const n = Reduction.multiple(double);
    const scale = Reduction.powerOfTwo(i32x4.trunc_sat_f32x4_s(n));
    const m = multiplyAdd(Reduction.expm1(double, n), scale, f32x4.sub(scale, f32x4.splat(1)));
    const y = f32x4.div(m, f32x4.add(m, f32x4.splat(2)));
    return v128.or(y, v128.and(x, i32x4.splat(0x80000000)));
  }
}

/** x for x ≥ 0, else eˣ − 1. */
@unmanaged
export class Elu {
  @inline
  of(x: v128): v128 {
    return v128.bitselect(x, Expm1.ofOther(x), f32x4.ge(x, f32x4.splat(0)));
  }
}

/** 1/(1 + e⁻ˣ) = e/(1 + e) with e = e⁻|ˣ|, or 1/(1 + e) for x ≥ 0, so that nothing overflows. NaN stays NaN. */
@unmanaged
export class Sigmoid {
  @inline
  of(x: v128): v128 {
    const clamped = f32x4.pmax(v128.or(x, i32x4.splat(0x80000000)), f32x4.splat(-104));
    const n = Reduction.multiple(clamped);
    const p = f32x4.add(Reduction.expm1(clamped, n), f32x4.splat(1));
    // 2ⁿ⁺⁶⁴ is normal, so that only the last product rounds to a subnormal number.
    const scale = Reduction.powerOfTwo(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(64)));
    const e = f32x4.mul(f32x4.mul(p, scale), f32x4.splat(5.421010862427522e-20));
    const one = f32x4.splat(1);
    const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
    return f32x4.div(numerator, f32x4.add(one, e));
  }
}
