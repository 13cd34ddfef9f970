/**
 * Sums and means of float32s. Up to 64 terms (along a row 256 for each of 16 lanes) are added in float32, the rest in float64,
 * so the error does not grow with the length; NaN and infinities go the way of ordinary sums.
 */

/** Rows that are added in float32 before the sum moves on to float64. */
const BLOCK = 64;

/** Columns up to which rows are laid side by side, for the sake of whole vectors. */
const NARROW = 48;

/** sums[0…4) += v, in float64. */
export function addTo(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(v)));
  const high = i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** sums[j] += Σᵢ x[i, j] over `rows`×`columns` float32s; the sums are float64s. */
function addRows(x: usize, sums: usize, rows: i32, columns: i32): void {
  const stride = (<usize>columns) << 2;
  for (let top = 0; top < rows; top += BLOCK) {
    const start = x + <usize>top * stride;
    const end = start + <usize>min(BLOCK, rows - top) * stride;
    let j = 0;
    for (; j + 16 <= columns; j += 16) {
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      const offset = (<usize>j) << 2;
      for (let p = start + offset; p < end; p += stride) {
        s0 = f32x4.add(s0, v128.load(p));
        s1 = f32x4.add(s1, v128.load(p, 16));
        s2 = f32x4.add(s2, v128.load(p, 32));
        s3 = f32x4.add(s3, v128.load(p, 48));
      }
      const target = sums + ((<usize>j) << 3);
      addTo(target, s0);
      addTo(target + 32, s1);
      addTo(target + 64, s2);
      addTo(target + 96, s3);
    }
    for (; j + 4 <= columns; j += 4) {
      let s = f32x4.splat(0);
      for (let p = start + ((<usize>j) << 2); p < end; p += stride) s = f32x4.add(s, v128.load(p));
      addTo(sums + ((<usize>j) << 3), s);
    }
    for (; j < columns; j++) {
      let s: f32 = 0;
      for (let p = start + ((<usize>j) << 2); p < end; p += stride) s += load<f32>(p);
      const target = sums + ((<usize>j) << 3);
      store<f64>(target, load<f64>(target) + s);
    }
  }
}

/** The sum of `count` float32s in a row. */
function sumOfRun(x: usize, count: i32): f64 {
  let total = f64x2.splat(0);
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~15)) << 2);
  while (x < whole) {
    const stop = min(whole, x + 16384);
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (; x < stop; x += 64) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x, 16));
      s2 = f32x4.add(s2, v128.load(x, 32));
      s3 = f32x4.add(s3, v128.load(x, 48));
    }
    const s = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    const high = i8x16.shuffle(s, s, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    total = f64x2.add(total, f64x2.add(f64x2.promote_low_f32x4(s), f64x2.promote_low_f32x4(high)));
  }
  // At most three vectors and three single elements are left.
  let s = f32x4.splat(0);
  for (; x + 16 <= end; x += 16) s = f32x4.add(s, v128.load(x));
  let rest: f32 = 0;
  for (; x < end; x += 4) rest += load<f32>(x);
  const high = i8x16.shuffle(s, s, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  total = f64x2.add(total, f64x2.add(f64x2.promote_low_f32x4(s), f64x2.promote_low_f32x4(high)));
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1) + rest;
}

/** y[i] = Σⱼ x[i, j]/divisor over `rows`×`columns`. */
export function sumAlongRows(x: usize, y: usize, rows: i32, columns: i32, divisor: f64): void {
  for (let i = 0; i < rows; i++) {
    store<f32>(y, <f32>(sumOfRun(x, columns) / divisor));
    x += (<usize>columns) << 2;
    y += 4;
  }
}

/**
 * y[o, j] = Σᵢ x[o, i, j]/divisor over `outer`×`rows`×`columns`. `sums` is working space of as many float64s as there are
 * columns, and at least 96.
 */
export function sumOverRows(
  x: usize,
  y: usize,
  sums: usize,
  outer: i32,
  rows: i32,
  columns: i32,
  divisor: f64,
): void {
  const abreast = columns < NARROW ? NARROW / columns : 1;
  for (let o = 0; o < outer; o++) {
    const width = rows >= abreast ? abreast * columns : columns;
    const lines = (rows * columns) / width;
    memory.fill(sums, 0, (<usize>width) << 3);
    addRows(x, sums, lines, width);
    const rest = rows * columns - lines * width;
    x += (<usize>lines * width) << 2;
    addRows(x, sums, rest / columns, columns);
    x += (<usize>rest) << 2;
    for (let j = 0; j < columns; j++) {
      let sum: f64 = 0;
      for (let k = j; k < width; k += columns) sum += load<f64>(sums + ((<usize>k) << 3));
      store<f32>(y, <f32>(sum / divisor));
      y += 4;
    }
  }
}
