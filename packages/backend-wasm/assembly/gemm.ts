/**
 * C = op(A)·op(B) for matrices in row order, in blocks of the inner dimension, of C's columns and of C's rows, so that what a
 * micro-kernel reads again lies in a near cache (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
 * 2008). Operands are packed only where that pays: a transposed one, and B when many rows read it. So a transpose costs nothing.
 */
import { finish } from './epilogue';
import { multiplyRow } from './multiply-row';
import { packB, packTransposedB, packedBytes, transpose } from './pack';
import { PANEL, TILE_BYTES, multiplyPanel } from './tile';

/** Inner dimension of a block: a panel of B takes 16 kB of the first-level cache. */
const INNER: usize = 256;
/** Columns of a block of B: 1 MB packed. */
const COLUMNS: usize = 1024;
/** Rows of a block of A: 128 kB, in the second-level cache. */
const ROWS: usize = 128;
/** Up to so many rows, an untransposed B is read where it is. */
const FEW_ROWS: usize = 48;
/** Up to so many columns, a transposed A is read where it is. */
const FEW_COLUMNS: usize = 16;

/** Bytes of working space that `gemm` needs for a product of this size. */
export function gemmScratchBytes(m: usize, n: usize, k: usize): usize {
  // Which operand is packed as B depends on the shape; the larger serves both.
  return TILE_BYTES + packedBytes(min(k, INNER), min(max(m, n), COLUMNS) + ROWS);
}

/**
 * C[m, n] = op(A)·op(B) with inner dimension k. A is [m, k], or [k, m] when `transposeA`; B is [k, n], or [n, k] when
 * `transposeB`. `aStride` and `bStride` are the bytes from one stored row to the next; element (i, j) of C lies at
 * c + i·cRowBytes + j·cColumnBytes. With `accumulate` the product is added to C. C must not overlap A or B. `work` has
 * `gemmScratchBytes(m, n, k)` bytes. `epilogue` says what to do to C in the end (`epilogue.ts`, where it begins with column
 * `firstColumn`); C's rows are then without gaps between elements. `fence` is false; see `multiply.ts`.
 */
export function gemm(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  aStride: usize,
  transposeA: bool,
  b: usize,
  bStride: usize,
  transposeB: bool,
  c: usize,
  cRowBytes: usize,
  cColumnBytes: usize,
  accumulate: bool,
  epilogue: usize,
  firstColumn: usize,
  work: usize,
  fence: bool,
): void {
  if (transposeB && m <= 8 && n > m) {
    // (op(B)ᵀ·op(A)ᵀ)ᵀ: now the wide operand is read where it is.
    gemm(
      n,
      m,
      k,
      b,
      bStride,
      false,
      a,
      aStride,
      !transposeA,
      c,
      cColumnBytes,
      cRowBytes,
      accumulate,
      0,
      0,
      work,
      fence,
    );
    finish(epilogue, c, cRowBytes, m, firstColumn, n);
    return;
  }
  if (m == 1 && !transposeB && cColumnBytes == 4) {
    multiplyRow(n, k, a, transposeA ? aStride : 4, b, bStride, c, accumulate);
    finish(epilogue, c, cRowBytes, 1, firstColumn, n);
    return;
  }
  if (k == 0) {
    if (!accumulate) clear(m, n, c, cRowBytes, cColumnBytes);
    finish(epilogue, c, cRowBytes, m, firstColumn, n);
  }
  for (let column: usize = 0; column < n; column += COLUMNS) {
    const columns = min(COLUMNS, n - column);
    for (let inner: usize = 0; inner < k; inner += INNER) {
      const depth = min(INNER, k - inner);
      const bBlock = transposeB ? b + column * bStride + inner * 4 : b + inner * bStride + column * 4;
      // Panels packed[0…] hold the columns from `unpacked` on; those before are read where they are.
      const unpacked = !transposeB && m <= FEW_ROWS ? columns & ~(PANEL - 1) : 0;
      const packed = work + TILE_BYTES;
      if (transposeB) packTransposedB(bBlock, bStride, depth, columns, packed, depth * 64);
      else packB(bBlock + unpacked * 4, bStride, depth, columns - unpacked, packed, depth * 64);
      const aPacked = packed + packedBytes(depth, columns);
      for (let row: usize = 0; row < m; row += ROWS) {
        const rows = min(ROWS, m - row);
        let aBlock = transposeA ? a + inner * aStride + row * 4 : a + row * aStride + inner * 4;
        let aRowBytes: usize = transposeA ? 4 : aStride;
        let aBytes: usize = transposeA ? aStride : 4;
        if (transposeA && n > FEW_COLUMNS && m > 2) {
          transpose(aBlock, aStride, depth, rows, aPacked, depth * 4);
          aBlock = aPacked;
          aRowBytes = depth * 4;
          aBytes = 4;
        }
        for (let j: usize = 0; j < columns; j += PANEL) {
          multiplyPanel(
            rows,
            min(PANEL, columns - j),
            1,
            depth,
            0,
            aBlock,
            aRowBytes,
            aBytes,
            j < unpacked ? bBlock + j * 4 : packed + (j - unpacked) * depth * 4,
            j < unpacked ? bStride : PANEL * 4,
            c + (row * cRowBytes + (column + j) * cColumnBytes),
            cRowBytes,
            cColumnBytes,
            accumulate || inner > 0,
            work,
            fence,
          );
        }
        if (inner + depth == k) {
          const block = c + (row * cRowBytes + column * cColumnBytes);
          finish(epilogue, block, cRowBytes, rows, firstColumn + column, columns);
        }
      }
    }
  }
}

function clear(m: usize, n: usize, c: usize, rowBytes: usize, columnBytes: usize): void {
  for (let i: usize = 0; i < m; i++) {
    for (let j: usize = 0; j < n; j++) store<f32>(c + i * rowBytes + j * columnBytes, 0);
  }
}
