/** Element-wise operations of a few instructions. NaN stays NaN in all of them. */

/** √x; −0 stays −0, other negative numbers give NaN. */
@unmanaged
export class Sqrt {
  @inline
  of(x: v128): v128 {
    return f32x4.sqrt(x);
  }
}

/** 1/√x; ±0 gives ±∞. */
@unmanaged
export class Rsqrt {
  @inline
  of(x: v128): v128 {
    return f32x4.div(f32x4.splat(1), f32x4.sqrt(x));
  }
}

/** −1, 0 or 1; 0 for NaN, as tfjs-core's tests ask. */
@unmanaged
export class Sign {
  @inline
  of(x: v128): v128 {
    const zero = v128.and(x, i32x4.splat(0x80000000));
    // Neither 0 nor NaN is further from zero than zero; −0 stays what it is.
    return v128.bitselect(v128.or(zero, f32x4.splat(1)), zero, f32x4.gt(f32x4.abs(x), f32x4.splat(0)));
  }
}
