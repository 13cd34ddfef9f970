/** A single row times a matrix that is read where it is: four rows of B at a time, from end to end, as memory delivers them. */
import { multiplyAdd } from './multiply-add';

/** c[columns] = Σ over k of a[k]·B[k, columns], elements of a `aBytes` and rows of B `bStride` bytes apart; or added to c. */
export function multiplyRow(
  columns: usize,
  inner: usize,
  a: usize,
  aBytes: usize,
  b: usize,
  bStride: usize,
  c: usize,
  accumulate: bool,
): void {
  if (!accumulate) memory.fill(c, 0, columns * 4);
  const end = columns * 4;
  let k: usize = 0;
  for (; k + 4 <= inner; k += 4) {
    const x0 = v128.load32_splat(a);
    const x1 = v128.load32_splat(a + aBytes);
    const x2 = v128.load32_splat(a + 2 * aBytes);
    const x3 = v128.load32_splat(a + 3 * aBytes);
    const b1 = b + bStride;
    const b2 = b1 + bStride;
    const b3 = b2 + bStride;
    let j: usize = 0;
    for (; j + 16 <= end; j += 16) {
      let sum = multiplyAdd(x0, v128.load(b + j), v128.load(c + j));
      sum = multiplyAdd(x1, v128.load(b1 + j), sum);
      sum = multiplyAdd(x2, v128.load(b2 + j), sum);
      v128.store(c + j, multiplyAdd(x3, v128.load(b3 + j), sum));
    }
    for (; j < end; j += 4) {
      let sum = multiplyAdd(x0, v128.load32_splat(b + j), v128.load32_splat(c + j));
      sum = multiplyAdd(x1, v128.load32_splat(b1 + j), sum);
      sum = multiplyAdd(x2, v128.load32_splat(b2 + j), sum);
      v128.store_lane<f32>(c + j, multiplyAdd(x3, v128.load32_splat(b3 + j), sum), 0);
    }
    a += 4 * aBytes;
    b += 4 * bStride;
  }
  for (; k < inner; k++) {
    const x = v128.load32_splat(a);
    for (let j: usize = 0; j < end; j += 4) {
      v128.store_lane<f32>(c + j, multiplyAdd(x, v128.load32_splat(b + j), v128.load32_splat(c + j)), 0);
    }
    a += aBytes;
    b += bStride;
  }
}
