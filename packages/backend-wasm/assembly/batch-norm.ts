/**
 * Batch normalisation of float32s over features: element i belongs to feature i mod `period`, and what belongs to a feature
 * (mean, gain, …) is an array of `period` float32s. A few features may be laid out several times, for whole vectors.
 */
import { addTo } from './sums';

/** y[i] = (x[i] − mean[f])·gain[f] + offset[f] for `count` elements; x begins with feature 0. */
export function normalize(
  x: usize,
  mean: usize,
  gain: usize,
  offset: usize,
  y: usize,
  count: i32,
  period: i32,
): void {
  for (let done = 0; done < count; done += period) {
    const length = (<usize>min(period, count - done)) << 2;
    const whole = length & ~15;
    let j: usize = 0;
    for (; j < whole; j += 16) {
      const centred = f32x4.sub(v128.load(x + j), v128.load(mean + j));
      v128.store(y + j, f32x4.add(f32x4.mul(centred, v128.load(gain + j)), v128.load(offset + j)));
    }
    for (; j < length; j += 4) {
      store<f32>(
        y + j,
        (load<f32>(x + j) - load<f32>(mean + j)) * load<f32>(gain + j) + load<f32>(offset + j),
      );
    }
    x += length;
    y += length;
  }
}

/** Rows whose sums are taken in float32 before they move on to float64. */
const BLOCK = 64;

/**
 * sums[f] = Σ dy[i] and sums[period + f] = Σ dy[i]·(x[i] − mean[f]) over the elements of each feature, for `rows` rows of
 * `period` elements; the sums are float64s.
 */
export function normalizeGradientSums(
  dy: usize,
  x: usize,
  mean: usize,
  sums: usize,
  rows: i32,
  period: i32,
): void {
  const stride = (<usize>period) << 2;
  const products = sums + ((<usize>period) << 3);
  memory.fill(sums, 0, (<usize>period) << 4);
  for (let top = 0; top < rows; top += BLOCK) {
    const start = <usize>top * stride;
    const end = start + <usize>min(BLOCK, rows - top) * stride;
    let j = 0;
    for (; j + 8 <= period; j += 8) {
      const offset = (<usize>j) << 2;
      const m0 = v128.load(mean + offset);
      const m1 = v128.load(mean + offset, 16);
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let c0 = f32x4.splat(0);
      let c1 = f32x4.splat(0);
      for (let p = start + offset; p < end; p += stride) {
        const d0 = v128.load(dy + p);
        const d1 = v128.load(dy + p, 16);
        s0 = f32x4.add(s0, d0);
        s1 = f32x4.add(s1, d1);
        c0 = f32x4.add(c0, f32x4.mul(d0, f32x4.sub(v128.load(x + p), m0)));
        c1 = f32x4.add(c1, f32x4.mul(d1, f32x4.sub(v128.load(x + p, 16), m1)));
      }
      const target = (<usize>j) << 3;
      addTo(sums + target, s0);
      addTo(sums + target + 32, s1);
      addTo(products + target, c0);
      addTo(products + target + 32, c1);
    }
    for (; j < period; j++) {
      const m = load<f32>(mean + ((<usize>j) << 2));
      let s: f32 = 0;
      let c: f32 = 0;
      for (let p = start + ((<usize>j) << 2); p < end; p += stride) {
        const d = load<f32>(dy + p);
        s += d;
        c += d * (load<f32>(x + p) - m);
      }
      const target = (<usize>j) << 3;
      store<f64>(sums + target, load<f64>(sums + target) + s);
      store<f64>(products + target, load<f64>(products + target) + c);
    }
  }
}
