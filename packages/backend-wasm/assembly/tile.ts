/** A panel of B, up to 16 columns wide, times rows of A: walks the rows two or four at a time and takes care of the rim. */
import { multiply2x16, multiply4x8 } from './multiply';

/** Columns of a panel. */
export const PANEL: usize = 16;
/** Bytes of a tile that is not stored straight into C. */
export const TILE_BYTES: usize = 128;

/**
 * C[rows, columns] = A·B for `columns` ≤ 16. Row i of A starts at a + i·aRowBytes, row i of C at c + i·cRowBytes; for the rest
 * see `multiply2x16`. B is `bBytes` wide per inner element and is read to its 8th or 16th column. `tile` has `TILE_BYTES` bytes.
 */
export function multiplyPanel(
  rows: usize,
  columns: usize,
  segments: usize,
  length: usize,
  segmentBytes: usize,
  a: usize,
  aRowBytes: usize,
  aBytes: usize,
  b: usize,
  bBytes: usize,
  c: usize,
  cRowBytes: usize,
  cColumnBytes: usize,
  accumulate: bool,
  tile: usize,
  fence: bool,
): void {
  const direct = cColumnBytes == 4;
  if (columns <= 8) {
    const whole = direct && columns == 8;
    for (let i: usize = 0; i < rows; i += 4) {
      const last = min(rows - i, 4) - 1;
      const a0 = a + i * aRowBytes;
      const a1 = a0 + min(1, last) * aRowBytes;
      const a2 = a0 + min(2, last) * aRowBytes;
      const a3 = a0 + last * aRowBytes;
      const c0 = c + i * cRowBytes;
      if (whole) {
        const c1 = c0 + min(1, last) * cRowBytes;
        const c2 = c0 + min(2, last) * cRowBytes;
        const c3 = c0 + last * cRowBytes;
        multiply4x8(
          segments,
          length,
          segmentBytes,
          aBytes,
          a0,
          a1,
          a2,
          a3,
          b,
          bBytes,
          c0,
          c1,
          c2,
          c3,
          accumulate,
          fence,
        );
      } else {
        const t1 = tile + 32;
        const t2 = tile + 64;
        const t3 = tile + 96;
        multiply4x8(
          segments,
          length,
          segmentBytes,
          aBytes,
          a0,
          a1,
          a2,
          a3,
          b,
          bBytes,
          tile,
          t1,
          t2,
          t3,
          false,
          fence,
        );
        storePart(tile, 32, last + 1, columns, c0, cRowBytes, cColumnBytes, accumulate);
      }
    }
    return;
  }
  const whole = direct && columns == PANEL;
  for (let i: usize = 0; i < rows; i += 2) {
    const last = min(rows - i, 2) - 1;
    const a0 = a + i * aRowBytes;
    const a1 = a0 + last * aRowBytes;
    const c0 = c + i * cRowBytes;
    const c1 = whole ? c0 + last * cRowBytes : tile + 64;
    const to = whole ? c0 : tile;
    multiply2x16(
      segments,
      length,
      segmentBytes,
      aBytes,
      a0,
      a1,
      b,
      bBytes,
      to,
      c1,
      whole && accumulate,
      fence,
    );
    if (!whole) storePart(tile, 64, last + 1, columns, c0, cRowBytes, cColumnBytes, accumulate);
  }
}

/** Copies, or adds, the first `rows`×`columns` elements of a tile to C. */
function storePart(
  tile: usize,
  tileBytes: usize,
  rows: usize,
  columns: usize,
  c: usize,
  rowBytes: usize,
  columnBytes: usize,
  accumulate: bool,
): void {
  for (let i: usize = 0; i < rows; i++) {
    const from = tile + i * tileBytes;
    const to = c + i * rowBytes;
    let j: usize = 0;
    if (columnBytes == 4) {
      for (; j + 4 <= columns; j += 4) {
        const value = v128.load(from + j * 4);
        v128.store(to + j * 4, accumulate ? f32x4.add(v128.load(to + j * 4), value) : value);
      }
    }
    for (; j < columns; j++) {
      const at = to + j * columnBytes;
      const value = load<f32>(from + j * 4);
      store<f32>(at, accumulate ? load<f32>(at) + value : value);
    }
  }
}
