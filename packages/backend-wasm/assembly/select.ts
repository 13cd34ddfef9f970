/** Select: y[i] = condition[i] ? whenTrue[i] : whenFalse[i], for `count` elements of four bytes and a condition of one byte each. */
export function select(condition: usize, whenTrue: usize, whenFalse: usize, y: usize, count: i32): void {
  const end = y + ((<usize>count) << 2);
  const whole = y + ((<usize>(count & ~3)) << 2);
  while (y < whole) {
    const bytes = v128.load32_zero(condition);
    const mask = i32x4.ne(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)), i32x4.splat(0));
    v128.store(y, v128.bitselect(v128.load(whenTrue), v128.load(whenFalse), mask));
    condition += 4;
    whenTrue += 16;
    whenFalse += 16;
    y += 16;
  }
  while (y < end) {
    store<u32>(y, load<u8>(condition) != 0 ? load<u32>(whenTrue) : load<u32>(whenFalse));
    condition += 1;
    whenTrue += 4;
    whenFalse += 4;
    y += 4;
  }
}
