/**
 * The micro-kernels, C = A·B with C in registers: 2 rows of 16 columns, or 4 rows of 8 for the rim of a matrix. Eight sums, what
 * is loaded for them and a product fit in 16 registers, with and without fused multiply-add. A is read one element at a time, so
 * it may lie in any direction; B is read where it is or from a packed panel.
 *
 * `fence` is always false. V8 (TurboFan) keeps loads in their order but lets arithmetic float: it would move every load of a
 * loop body before its first multiply-add, and the values would not fit in the registers. `if (fence) sums = …` makes the sums
 * meet a branch, so that they are computed before it. The branch is never taken and costs next to nothing; it doubles the speed.
 */
import { multiplyAdd } from './multiply-add';

/**
 * C[2, 16] = A[2, ·]·B[·, 16]. Row r of A starts at `a_r`; the inner dimension is `segments` runs of `length` elements, `aBytes`
 * apart within a run, and runs start `segmentBytes` apart (one run for a matrix, one per filter row for an image). B is read
 * `bBytes` further on for each element. Row r of C is at `c_r`; the sum is added to it when `accumulate`. One row: give it twice.
 */
export function multiply2x16(
  segments: usize,
  length: usize,
  segmentBytes: usize,
  aBytes: usize,
  a0: usize,
  a1: usize,
  b: usize,
  bBytes: usize,
  c0: usize,
  c1: usize,
  accumulate: bool,
  fence: bool,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s02 = f32x4.splat(0);
  let s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s12 = f32x4.splat(0);
  let s13 = f32x4.splat(0);
  if (accumulate) {
    s00 = v128.load(c0);
    s01 = v128.load(c0, 16);
    s02 = v128.load(c0, 32);
    s03 = v128.load(c0, 48);
    s10 = v128.load(c1);
    s11 = v128.load(c1, 16);
    s12 = v128.load(c1, 32);
    s13 = v128.load(c1, 48);
  }
  const rewind = segmentBytes - length * aBytes;
  for (let s: usize = 0; s < segments; s++) {
    for (let k = length; k > 0; k--) {
      const x0 = v128.load32_splat(a0);
      const x1 = v128.load32_splat(a1);
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      s00 = multiplyAdd(x0, b0, s00);
      s01 = multiplyAdd(x0, b1, s01);
      s10 = multiplyAdd(x1, b0, s10);
      s11 = multiplyAdd(x1, b1, s11);
      if (fence) s00 = s01 = s10 = s11 = x0;
      const b2 = v128.load(b, 32);
      const b3 = v128.load(b, 48);
      s02 = multiplyAdd(x0, b2, s02);
      s03 = multiplyAdd(x0, b3, s03);
      s12 = multiplyAdd(x1, b2, s12);
      s13 = multiplyAdd(x1, b3, s13);
      a0 += aBytes;
      a1 += aBytes;
      b += bBytes;
    }
    a0 += rewind;
    a1 += rewind;
  }
  v128.store(c0, s00);
  v128.store(c0, s01, 16);
  v128.store(c0, s02, 32);
  v128.store(c0, s03, 48);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c1, s12, 32);
  v128.store(c1, s13, 48);
}

/** C[4, 8] = A[4, ·]·B[·, 8], with the same parameters. Fewer rows: repeat the last. */
export function multiply4x8(
  segments: usize,
  length: usize,
  segmentBytes: usize,
  aBytes: usize,
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  b: usize,
  bBytes: usize,
  c0: usize,
  c1: usize,
  c2: usize,
  c3: usize,
  accumulate: bool,
  fence: bool,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  if (accumulate) {
    s00 = v128.load(c0);
    s01 = v128.load(c0, 16);
    s10 = v128.load(c1);
    s11 = v128.load(c1, 16);
    s20 = v128.load(c2);
    s21 = v128.load(c2, 16);
    s30 = v128.load(c3);
    s31 = v128.load(c3, 16);
  }
  const rewind = segmentBytes - length * aBytes;
  for (let s: usize = 0; s < segments; s++) {
    for (let k = length; k > 0; k--) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const x0 = v128.load32_splat(a0);
      s00 = multiplyAdd(x0, b0, s00);
      s01 = multiplyAdd(x0, b1, s01);
      const x1 = v128.load32_splat(a1);
      s10 = multiplyAdd(x1, b0, s10);
      s11 = multiplyAdd(x1, b1, s11);
      if (fence) s00 = s01 = s10 = s11 = b0;
      const x2 = v128.load32_splat(a2);
      s20 = multiplyAdd(x2, b0, s20);
      s21 = multiplyAdd(x2, b1, s21);
      const x3 = v128.load32_splat(a3);
      s30 = multiplyAdd(x3, b0, s30);
      s31 = multiplyAdd(x3, b1, s31);
      a0 += aBytes;
      a1 += aBytes;
      a2 += aBytes;
      a3 += aBytes;
      b += bBytes;
    }
    a0 += rewind;
    a1 += rewind;
    a2 += rewind;
    a3 += rewind;
  }
  v128.store(c0, s00);
  v128.store(c0, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}
