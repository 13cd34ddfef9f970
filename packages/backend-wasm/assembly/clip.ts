/** Clipping: y[i] = x[i] between `low` and `high` for `count` float32s; NaN stays NaN. y may be x. */
export function clip(x: usize, y: usize, count: i32, low: f32, high: f32): void {
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~15)) << 2);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  while (x < whole) {
    v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x), lows), highs));
    v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x, 16), lows), highs), 16);
    v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x, 32), lows), highs), 32);
    v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x, 48), lows), highs), 48);
    x += 64;
    y += 64;
  }
  while (x < end) {
    const value = v128.load32_splat(x);
    v128.store32_lane(y, f32x4.pmin(f32x4.pmax(value, lows), highs), 0);
    x += 4;
    y += 4;
  }
}
