/** Copies of elements of four bytes: runs gathered by index or by strides, and repeated ones. */

/** One run of `bytes` bytes, a multiple of 4, from x to y. */
function copyRun(x: usize, y: usize, bytes: usize): void {
  if (bytes > 512) {
    memory.copy(y, x, bytes);
    return;
  }
  const whole = bytes & ~15;
  let j: usize = 0;
  for (; j < whole; j += 16) v128.store(y + j, v128.load(x + j));
  for (; j < bytes; j += 4) store<u32>(y + j, load<u32>(x + j));
}

/**
 * Gather: for each of `batch`×`outer` tables of `extent` runs of `bytes` bytes, the runs that the batch's `count` int32
 * indices, all in [0, extent), name.
 */
export function gather(
  x: usize,
  indices: usize,
  y: usize,
  batch: i32,
  outer: i32,
  extent: i32,
  count: i32,
  bytes: i32,
): void {
  const table = <usize>extent * bytes;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        copyRun(x + <usize>load<i32>(indices + ((<usize>i) << 2)) * bytes, y, bytes);
        y += bytes;
      }
      x += table;
    }
    indices += (<usize>count) << 2;
  }
}

/** y, without gaps = the runs of `bytes` bytes at x + a·aStride + b·bStride + c·cStride, in that order; strides in bytes. */
export function copyRuns(
  x: usize,
  y: usize,
  aExtent: i32,
  aStride: i32,
  bExtent: i32,
  bStride: i32,
  cExtent: i32,
  cStride: i32,
  bytes: i32,
): void {
  for (let a = 0; a < aExtent; a++) {
    for (let b = 0; b < bExtent; b++) {
      let p = x + <usize>a * aStride + <usize>b * bStride;
      for (let c = 0; c < cExtent; c++) {
        copyRun(p, y, bytes);
        p += cStride;
        y += bytes;
      }
    }
  }
}

/** y[i, j] = x[i·rowStride + j·step] over `rows`×`columns`; the strides in elements, `step` 0 or 1. */
export function spread(x: usize, rowStride: i32, step: i32, y: usize, rows: i32, columns: i32): void {
  const bytes = (<usize>columns) << 2;
  for (let i = 0; i < rows; i++) {
    const p = x + ((<usize>i * rowStride) << 2);
    if (step != 0) copyRun(p, y, bytes);
    else {
      const value = v128.load32_splat(p);
      const whole = bytes & ~15;
      let j: usize = 0;
      for (; j < whole; j += 16) v128.store(y + j, value);
      for (; j < bytes; j += 4) v128.store32_lane(y + j, value, 0);
    }
    y += bytes;
  }
}
