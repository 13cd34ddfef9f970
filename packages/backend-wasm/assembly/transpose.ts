/** Transposes of matrices of four-byte elements, in blocks of 4×4 that stay in registers within tiles that stay in the cache. */

const TILE = 16;

/** Rows r, r + 1, r + 2, r + 3 of x to columns of y. */
function block(x: usize, xStride: usize, y: usize, yStride: usize): void {
  const a = v128.load(x);
  const b = v128.load(x + xStride);
  const c = v128.load(x + 2 * xStride);
  const d = v128.load(x + 3 * xStride);
  const ab = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const cd = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const ef = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const gh = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(y, i8x16.shuffle(ab, cd, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  v128.store(
    y + yStride,
    i8x16.shuffle(ab, cd, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
  );
  v128.store(y + 2 * yStride, i8x16.shuffle(ef, gh, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  v128.store(
    y + 3 * yStride,
    i8x16.shuffle(ef, gh, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
  );
}

/** y[j·yStride + i] = x[i·xStride + j] over `rows`×`columns`, for `planes` matrices `xPlane` and `yPlane` apart; in elements. */
export function transposePlanes(
  x: usize,
  xStride: i32,
  xPlane: i32,
  y: usize,
  yStride: i32,
  yPlane: i32,
  planes: i32,
  rows: i32,
  columns: i32,
): void {
  const xs = (<usize>xStride) << 2;
  const ys = (<usize>yStride) << 2;
  for (let plane = 0; plane < planes; plane++) {
    for (let top = 0; top < rows; top += TILE) {
      const bottom = min(rows, top + TILE);
      for (let left = 0; left < columns; left += TILE) {
        const right = min(columns, left + TILE);
        let j = left;
        for (; j + 4 <= right; j += 4) {
          let i = top;
          for (; i + 4 <= bottom; i += 4) {
            block(x + <usize>i * xs + ((<usize>j) << 2), xs, y + <usize>j * ys + ((<usize>i) << 2), ys);
          }
          for (; i < bottom; i++) {
            const from = x + <usize>i * xs + ((<usize>j) << 2);
            const to = y + <usize>j * ys + ((<usize>i) << 2);
            store<u32>(to, load<u32>(from));
            store<u32>(to + ys, load<u32>(from, 4));
            store<u32>(to + 2 * ys, load<u32>(from, 8));
            store<u32>(to + 3 * ys, load<u32>(from, 12));
          }
        }
        for (; j < right; j++) {
          for (let i = top; i < bottom; i++) {
            store<u32>(
              y + <usize>j * ys + ((<usize>i) << 2),
              load<u32>(x + <usize>i * xs + ((<usize>j) << 2)),
            );
          }
        }
      }
    }
    x += (<usize>xPlane) << 2;
    y += (<usize>yPlane) << 2;
  }
}
