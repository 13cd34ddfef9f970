/** Softmax along the rows of a float32 matrix, and its gradient. A row with NaN or +∞, or of −∞ alone, becomes NaN. */
import { ExpOfNegative } from './exponential';

/** The sum of four lanes. */
function lanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** The largest of a row in every lane; what it is with NaN in the row does not matter. */
function largestOf(x: usize, columns: i32): v128 {
  const end = x + ((<usize>columns) << 2);
  let m = f32x4.splat(-Infinity);
  for (; x + 16 <= end; x += 16) m = f32x4.pmax(m, v128.load(x));
  for (; x < end; x += 4) m = f32x4.pmax(m, v128.load32_splat(x));
  m = f32x4.pmax(m, i8x16.shuffle(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.pmax(m, i8x16.shuffle(m, m, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
}

/** y[i, j] = e^(x[i, j] − m)/Σₖ e^(x[i, k] − m) with m the largest of row i; `rows`×`columns`, at least one column. */
export function softmax(x: usize, y: usize, rows: i32, columns: i32): void {
  const length = (<usize>columns) << 2;
  const whole = (<usize>(columns & ~3)) << 2;
  for (let i = 0; i < rows; i++) {
    const largest = largestOf(x, columns);
    let sums = f32x4.splat(0);
    let more = f32x4.splat(0);
    let j: usize = 0;
    for (; j + 32 <= whole; j += 32) {
      const e = ExpOfNegative.of(f32x4.sub(v128.load(x + j), largest));
      const f = ExpOfNegative.of(f32x4.sub(v128.load(x + j, 16), largest));
      sums = f32x4.add(sums, e);
      more = f32x4.add(more, f);
      v128.store(y + j, e);
      v128.store(y + j, f, 16);
    }
    for (; j < whole; j += 16) {
      const e = ExpOfNegative.of(f32x4.sub(v128.load(x + j), largest));
      sums = f32x4.add(sums, e);
      v128.store(y + j, e);
    }
    let sum = lanes(f32x4.add(sums, more));
    for (; j < length; j += 4) {
      const e = ExpOfNegative.of(f32x4.sub(v128.load32_splat(x + j), largest));
      sum += f32x4.extract_lane(e, 0);
      v128.store32_lane(y + j, e, 0);
    }
    const scale = f32x4.splat(<f32>1 / sum);
    for (j = 0; j < whole; j += 16) v128.store(y + j, f32x4.mul(v128.load(y + j), scale));
    for (; j < length; j += 4) store<f32>(y + j, load<f32>(y + j) / sum);
    x += length;
    y += length;
  }
}

/** dx[i, j] = (dy[i, j] − Σₖ dy[i, k]·y[i, k])·y[i, j] for y = softmax(x); `rows`×`columns`. */
export function softmaxGradient(dy: usize, y: usize, dx: usize, rows: i32, columns: i32): void {
  const length = (<usize>columns) << 2;
  const whole = (<usize>(columns & ~3)) << 2;
  for (let i = 0; i < rows; i++) {
    let sums = f32x4.splat(0);
    let j: usize = 0;
    for (; j < whole; j += 16) sums = f32x4.add(sums, f32x4.mul(v128.load(dy + j), v128.load(y + j)));
    let sum = lanes(sums);
    for (; j < length; j += 4) sum += load<f32>(dy + j) * load<f32>(y + j);
    const mean = f32x4.splat(sum);
    for (j = 0; j < whole; j += 16) {
      v128.store(dx + j, f32x4.mul(f32x4.sub(v128.load(dy + j), mean), v128.load(y + j)));
    }
    for (; j < length; j += 4) store<f32>(dx + j, (load<f32>(dy + j) - sum) * load<f32>(y + j));
    dy += length;
    y += length;
    dx += length;
  }
}
