/**
 * Element-wise functions of two operands under broadcasting, over float32s: see `combine` and `compare` for the layout. The
 * comparisons write one byte for each element and are false where an operand is NaN, but for ≠, which is true.
 */
import { combine, compare } from './combine';

@unmanaged
class Maximum {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}

/** the larger; NaN where either is */
export function maximum(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  combine<Maximum>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Minimum {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}

/** the smaller; NaN where either is */
export function minimum(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  combine<Minimum>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Equal {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.eq(a, b);
  }
}

/** a = b */
export function equal(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  compare<Equal>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class NotEqual {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.ne(a, b);
  }
}

/** a ≠ b */
export function notEqual(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  compare<NotEqual>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Greater {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.gt(a, b);
  }
}

/** a > b */
export function greater(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  compare<Greater>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class GreaterEqual {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.ge(a, b);
  }
}

/** a ≥ b */
export function greaterEqual(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  compare<GreaterEqual>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Less {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.lt(a, b);
  }
}

/** a < b */
export function less(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  compare<Less>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class LessEqual {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.le(a, b);
  }
}

/** a ≤ b */
export function lessEqual(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  compare<LessEqual>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Add {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

/** a + b */
export function add(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  combine<Add>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Subtract {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}

/** a − b */
export function subtract(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  combine<Subtract>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Multiply {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

/** a·b */
export function multiply(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  combine<Multiply>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}

@unmanaged
class Divide {
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}

/** a/b */
export function divide(
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  combine<Divide>(a, aRowStride, aStep, b, bRowStride, bStep, y, rows, columns);
}
