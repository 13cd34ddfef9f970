/** ⟨a, b⟩ and ⟨a, b − c⟩: products in float32 lanes over short blocks, the blocks' sums in float64. */
import { multiplyAdd } from './multiply-add';
import { lanesOf } from './vector';

/** Floats in a block: sixteen running sums of 64 products each. */
const BLOCK: usize = 1_024;

/** Σ a[i] · b[i] over n ≥ 0 floats, written to `output` as one float64 (8 bytes, aligned). */
export function innerProduct(a: usize, b: usize, n: i32, output: usize): void {
  const length = <usize>n;
  let total: f64 = 0;
  let done: usize = 0;
  for (; done + BLOCK <= length; done += BLOCK) {
    total += blockProduct(a + (done << 2), b + (done << 2));
  }
  for (; done < length; done++) {
    total += <f64>load<f32>(a + (done << 2)) * <f64>load<f32>(b + (done << 2));
  }
  store<f64>(output, total);
}

/** The same over one block. */
function blockProduct(a: usize, b: usize): f64 {
  let p = f32x4.splat(0);
  let q = f32x4.splat(0);
  let r = f32x4.splat(0);
  let s = f32x4.splat(0);
  for (let i: usize = 0; i < BLOCK << 2; i += 64) {
    p = multiplyAdd(v128.load(a + i), v128.load(b + i), p);
    q = multiplyAdd(v128.load(a + i, 16), v128.load(b + i, 16), q);
    r = multiplyAdd(v128.load(a + i, 32), v128.load(b + i, 32), r);
    s = multiplyAdd(v128.load(a + i, 48), v128.load(b + i, 48), s);
  }
  return lanesOf(f32x4.add(f32x4.add(p, q), f32x4.add(r, s)));
}

/** Σ a[i] · (b[i] − c[i]), likewise; the difference is rounded to float32 first, as a tensor of it would be. */
export function differenceProduct(a: usize, b: usize, c: usize, n: i32, output: usize): void {
  const length = <usize>n;
  let total: f64 = 0;
  let done: usize = 0;
  for (; done + BLOCK <= length; done += BLOCK) {
    const at = done << 2;
    total += blockDifferenceProduct(a + at, b + at, c + at);
  }
  for (; done < length; done++) {
    const at = done << 2;
    total += <f64>load<f32>(a + at) * <f64>(load<f32>(b + at) - load<f32>(c + at));
  }
  store<f64>(output, total);
}

/** The same over one block. */
function blockDifferenceProduct(a: usize, b: usize, c: usize): f64 {
  let p = f32x4.splat(0);
  let q = f32x4.splat(0);
  for (let i: usize = 0; i < BLOCK << 2; i += 32) {
    p = multiplyAdd(v128.load(a + i), f32x4.sub(v128.load(b + i), v128.load(c + i)), p);
    q = multiplyAdd(v128.load(a + i, 16), f32x4.sub(v128.load(b + i, 16), v128.load(c + i, 16)), q);
  }
  return lanesOf(f32x4.add(p, q));
}
