/** Arithmetic in place on any number of floats, element by element, and the sum of a vector. */
import { multiplyAdd } from './multiply-add';

/** u ← keep·θ − rate·u. */
export function step(u: usize, variable: usize, count: usize, keep: f32, rate: f32): void {
  const k = f32x4.splat(keep);
  const r = f32x4.splat(-rate);
  const end = count * 4;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    v128.store(u + at, multiplyAdd(r, v128.load(u + at), f32x4.mul(k, v128.load(variable + at))));
  }
  for (; at < end; at += 4) store<f32>(u + at, keep * load<f32>(variable + at) - rate * load<f32>(u + at));
}

/** t ← s²·t. */
export function scaleBySquare(t: usize, s: usize, count: usize): void {
  const end = count * 4;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const scale = v128.load(s + at);
    v128.store(t + at, f32x4.mul(f32x4.mul(scale, scale), v128.load(t + at)));
  }
  for (; at < end; at += 4) {
    const scale = load<f32>(s + at);
    store<f32>(t + at, scale * scale * load<f32>(t + at));
  }
}

/** x ← x + y. */
export function addTo(x: usize, y: usize, count: usize): void {
  const end = count * 4;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)));
  for (; at < end; at += 4) store<f32>(x + at, load<f32>(x + at) + load<f32>(y + at));
}

/** x ← 0. */
export function clear(x: usize, count: usize): void {
  memory.fill(x, 0, count * 4);
}

/** The sum of four lanes, in float64. */
export function lanesOf(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) +
    <f64>f32x4.extract_lane(v, 1) +
    <f64>f32x4.extract_lane(v, 2) +
    <f64>f32x4.extract_lane(v, 3)
  );
}
