/** Element-wise functions: y[i] = f(x[i]) for `count` float32s; y may be x. */
import { Rsqrt, Sign, Sqrt } from './elementary';
import { Elu, Exp, Expm1, Sigmoid, Tanh } from './exponential';
import { Log, Log1p, Softplus } from './logarithm';
import { map } from './map';

/** eˣ */
export function exp(x: usize, y: usize, count: i32): void {
  map<Exp>(x, y, count);
}

/** eˣ − 1 */
export function expm1(x: usize, y: usize, count: i32): void {
  map<Expm1>(x, y, count);
}

/** ln x */
export function log(x: usize, y: usize, count: i32): void {
  map<Log>(x, y, count);
}

/** ln(1 + x) */
export function log1p(x: usize, y: usize, count: i32): void {
  map<Log1p>(x, y, count);
}

/** ln(1 + eˣ) */
export function softplus(x: usize, y: usize, count: i32): void {
  map<Softplus>(x, y, count);
}

/** tanh x */
export function tanh(x: usize, y: usize, count: i32): void {
  map<Tanh>(x, y, count);
}

/** √x */
export function sqrt(x: usize, y: usize, count: i32): void {
  map<Sqrt>(x, y, count);
}

/** 1/√x */
export function rsqrt(x: usize, y: usize, count: i32): void {
  map<Rsqrt>(x, y, count);
}

/** −1, 0 or 1 */
export function sign(x: usize, y: usize, count: i32): void {
  map<Sign>(x, y, count);
}

/** 1/(1 + e⁻ˣ) */
export function sigmoid(x: usize, y: usize, count: i32): void {
  map<Sigmoid>(x, y, count);
}

/** x where it is not negative, else eˣ − 1 */
export function elu(x: usize, y: usize, count: i32): void {
  map<Elu>(x, y, count);
}

/** y where it is not negative, else slope·y with a slope for each element; in place. */
export function prelu(y: usize, slopes: usize, count: i32): void {
  for (const end = y + ((<usize>count) << 2); y < end; y += 4) {
    const value = load<f32>(y);
    if (value < 0) store<f32>(y, value * load<f32>(slopes));
    slopes += 4;
  }
}

/** x where it is not negative, else `slope`·x. */
export function leakyRelu(x: usize, y: usize, count: i32, slope: f32): void {
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~3)) << 2);
  const slopes = f32x4.splat(slope);
  const zero = f32x4.splat(0);
  while (x < whole) {
    const value = v128.load(x);
    v128.store(y, v128.bitselect(f32x4.mul(value, slopes), value, f32x4.lt(value, zero)));
    x += 16;
    y += 16;
  }
  while (x < end) {
    const value = load<f32>(x);
    store<f32>(y, value < 0 ? value * slope : value);
    x += 4;
    y += 4;
  }
}
