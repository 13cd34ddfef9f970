/** y[ids[i], :] += x[i, :] from 0 on, over `count`×`length` float32s and int32 ids; ids outside [0, segments) are dropped. */
export function segmentSum(x: usize, ids: usize, y: usize, count: i32, length: i32, segments: i32): void {
  const bytes = (<usize>length) << 2;
  const whole = bytes & ~15;
  memory.fill(y, 0, <usize>segments * bytes);
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids + ((<usize>i) << 2));
    if (id < <u32>segments) {
      const target = y + <usize>id * bytes;
      let j: usize = 0;
      for (; j < whole; j += 16) v128.store(target + j, f32x4.add(v128.load(target + j), v128.load(x + j)));
      for (; j < bytes; j += 4) store<f32>(target + j, load<f32>(target + j) + load<f32>(x + j));
    }
    x += bytes;
  }
}
