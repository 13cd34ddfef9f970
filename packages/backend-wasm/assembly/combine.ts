/**
 * Applies an operation of two operands to every pair of elements under broadcasting. The result is `rows`×`columns`, without
 * gaps; each operand moves by `rowStride` elements a row (0 repeats the row) and by `step`, 1 or 0, a column.
 */

/** y[i, j] = Operation(a[i, j], b[i, j]) for float32s. */
export function combine<Operation>(
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
  const operation = changetype<Operation>(0);
  for (let i = 0; i < rows; i++) {
    let p = a + ((<usize>i * aRowStride) << 2);
    let q = b + ((<usize>i * bRowStride) << 2);
    const end = y + ((<usize>columns) << 2);
    const whole = y + ((<usize>(columns & ~3)) << 2);
    if (aStep != 0 && bStep != 0) {
      while (y < whole) {
        v128.store(y, operation.of(v128.load(p), v128.load(q)));
        y += 16;
        p += 16;
        q += 16;
      }
    } else if (aStep != 0) {
      const right = v128.load32_splat(q);
      while (y < whole) {
        v128.store(y, operation.of(v128.load(p), right));
        y += 16;
        p += 16;
      }
    } else {
      const left = v128.load32_splat(p);
      const qStep = (<usize>bStep) << 4;
      while (y < whole) {
        v128.store(y, operation.of(left, bStep != 0 ? v128.load(q) : v128.load32_splat(q)));
        y += 16;
        q += qStep;
      }
    }
    while (y < end) {
      v128.store32_lane(y, operation.of(v128.load32_splat(p), v128.load32_splat(q)), 0);
      y += 4;
      p += (<usize>aStep) << 2;
      q += (<usize>bStep) << 2;
    }
  }
}

/** The same for an operation that answers with a mask; y holds one byte for each element, 1 or 0. */
export function compare<Operation>(
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
  const operation = changetype<Operation>(0);
  const ones = i8x16.splat(1);
  const aBlock = (<usize>aStep) << 4;
  const bBlock = (<usize>bStep) << 4;
  for (let i = 0; i < rows; i++) {
    let p = a + ((<usize>i * aRowStride) << 2);
    let q = b + ((<usize>i * bRowStride) << 2);
    const end = y + <usize>columns;
    const whole = y + <usize>(columns & ~15);
    const left = v128.load32_splat(p);
    const right = v128.load32_splat(q);
    while (y < whole) {
      const a0 = aStep != 0 ? v128.load(p) : left;
      const b0 = bStep != 0 ? v128.load(q) : right;
      p += aBlock;
      q += bBlock;
      const a1 = aStep != 0 ? v128.load(p) : left;
      const b1 = bStep != 0 ? v128.load(q) : right;
      p += aBlock;
      q += bBlock;
      const a2 = aStep != 0 ? v128.load(p) : left;
      const b2 = bStep != 0 ? v128.load(q) : right;
      p += aBlock;
      q += bBlock;
      const a3 = aStep != 0 ? v128.load(p) : left;
      const b3 = bStep != 0 ? v128.load(q) : right;
      p += aBlock;
      q += bBlock;
      const low = i16x8.narrow_i32x4_s(operation.of(a0, b0), operation.of(a1, b1));
      const high = i16x8.narrow_i32x4_s(operation.of(a2, b2), operation.of(a3, b3));
      v128.store(y, v128.and(i8x16.narrow_i16x8_s(low, high), ones));
      y += 16;
    }
    while (y < end) {
      const mask = operation.of(v128.load32_splat(p), v128.load32_splat(q));
      v128.store8_lane(y, v128.and(mask, ones), 0);
      y += 1;
      p += (<usize>aStep) << 2;
      q += (<usize>bStep) << 2;
    }
  }
}
