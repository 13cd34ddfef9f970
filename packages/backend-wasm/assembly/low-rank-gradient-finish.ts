/**
 * The vector–Jacobian product of a low-rank block after its sums are there (see `low-rank-gradient.ts`): ∂/∂U_A and ∂/∂V_A, which
 * are small, and the last pass over rows, which gives ∂/∂U_B.
 */
import { gemm } from './gemm';
import { PANEL_ROWS } from './low-rank';
import { HEAD, lowRankGradientSums, multiplyBy } from './low-rank-gradient';
import { transpose } from './pack';
import { addTo } from './vector';

/**
 * Between the passes: adds up the sums of `parts` parts, finishes ∂/∂U_A and ∂/∂V_A [n, r_A], and prepares what
 * `lowRankGradientLeft` needs, Tᵀ V_B and Nᵀ V_B [n, r_B] in `eT` and `eN` and V_Aᵀ times them in `fT` and `fN` [r_A, r_B].
 * `sumG`, `smallG`, `sumV`, `smallV` are the totals of the first pass. Returns ⟨V, P G⟩.
 */
export function lowRankGradientCombine(
  n: usize,
  columnRank: usize,
  rowRank: usize,
  sums: usize,
  parts: usize,
  sumG: usize,
  smallG: usize,
  sumV: usize,
  smallV: usize,
  columnV: usize,
  byColumnU: usize,
  byColumnV: usize,
  eT: usize,
  eN: usize,
  fT: usize,
  fN: usize,
  factor: f32,
  work: usize,
  fence: bool,
): f64 {
  const rank = columnRank + rowRank;
  const floats = lowRankGradientSums(n, columnRank, rowRank);
  let inner = load<f64>(sums);
  for (let part: usize = 1; part < parts; part++) {
    const other = sums + 4 * part * floats;
    inner += load<f64>(other);
    addTo(sums + 4 * HEAD, other + 4 * HEAD, floats - HEAD);
  }
  const wide = 4 * n;
  const columnBytes = 4 * columnRank;
  const zT = sums + 4 * HEAD;
  const zN = zT + rank * wide;
  const yV = zN + rank * wide;
  const yG = yV + columnRank * wide;
  const smallT = yG + columnRank * wide;
  const smallN = smallT + rowRank * columnBytes;
  const lowerT = zT + columnRank * wide;
  const lowerN = zN + columnRank * wide;
  if (columnRank > 0) {
    addTo(zT, zN, columnRank * n);
    addTo(yV, yG, columnRank * n);
    if (rowRank > 0) {
      turnedProduct(n, columnRank, rowRank, smallV, lowerT, zT, work, fence);
      turnedProduct(n, columnRank, rowRank, smallG, lowerN, zT, work, fence);
      turnedProduct(n, columnRank, rowRank, smallT, sumV, yV, work, fence);
      turnedProduct(n, columnRank, rowRank, smallN, sumG, yV, work, fence);
    }
    transpose(yV, wide, columnRank, n, byColumnU, columnBytes);
    transpose(zT, wide, columnRank, n, byColumnV, columnBytes);
    multiplyBy(byColumnU, columnRank * n, factor);
    multiplyBy(byColumnV, columnRank * n, factor);
  }
  if (rowRank > 0) {
    const rowBytes = 4 * rowRank;
    transpose(lowerT, wide, rowRank, n, eT, rowBytes);
    transpose(lowerN, wide, rowRank, n, eN, rowBytes);
    if (columnRank > 0) {
      gemm(
        columnRank,
        rowRank,
        n,
        columnV,
        columnBytes,
        true,
        eT,
        rowBytes,
        false,
        fT,
        rowBytes,
        4,
        false,
        0,
        0,
        work,
        fence,
      );
      gemm(
        columnRank,
        rowRank,
        n,
        columnV,
        columnBytes,
        true,
        eN,
        rowBytes,
        false,
        fN,
        rowBytes,
        4,
        false,
        0,
        0,
        work,
        fence,
      );
    }
  }
  return inner * factor;
}

/** sum [r_A, n] += smallᵀ·x for `small` [r_B, r_A] and x [r_B, n]. */
function turnedProduct(
  n: usize,
  columnRank: usize,
  rowRank: usize,
  small: usize,
  x: usize,
  sum: usize,
  work: usize,
  fence: bool,
): void {
  gemm(
    columnRank,
    n,
    rowRank,
    small,
    4 * columnRank,
    true,
    x,
    4 * n,
    false,
    sum,
    4 * n,
    4,
    true,
    0,
    0,
    work,
    fence,
  );
}

/** [rows, columns] without gaps to its transpose. */
export function lowRankTurn(rows: usize, columns: usize, from: usize, to: usize): void {
  transpose(from, 4 * columns, rows, columns, to, 4 * rows);
}

/** Last pass: rows of ∂/∂U_B = c (V eT + G eN + (V U_A) fT + (G U_A) fN). */
export function lowRankGradientLeft(
  rows: usize,
  n: usize,
  g: usize,
  extraG: usize,
  v: usize,
  extraV: usize,
  columnRank: usize,
  rowRank: usize,
  eT: usize,
  eN: usize,
  fT: usize,
  fN: usize,
  leftG: usize,
  leftV: usize,
  byRowU: usize,
  factor: f32,
  work: usize,
  fence: bool,
): void {
  const rank = columnRank + rowRank;
  const rowBytes = 4 * rowRank;
  const all = rows + (extraG == 0 ? 0 : 1);
  for (let i: usize = 0; i < all; i += i < rows ? min(PANEL_ROWS, rows - i) : 1) {
    const p = i < rows ? min(PANEL_ROWS, rows - i) : 1;
    const ownG = i < rows ? g + i * n * 4 : extraG;
    const ownV = i < rows ? v + i * n * 4 : extraV;
    const out = byRowU + i * rowBytes;
    gemm(p, rowRank, n, ownV, 4 * n, false, eT, rowBytes, false, out, rowBytes, 4, false, 0, 0, work, fence);
    gemm(p, rowRank, n, ownG, 4 * n, false, eN, rowBytes, false, out, rowBytes, 4, true, 0, 0, work, fence);
    if (columnRank > 0) {
      const lG = leftG + i * rank * 4;
      const lV = leftV + i * rank * 4;
      gemm(
        p,
        rowRank,
        columnRank,
        lV,
        4 * rank,
        false,
        fT,
        rowBytes,
        false,
        out,
        rowBytes,
        4,
        true,
        0,
        0,
        work,
        fence,
      );
      gemm(
        p,
        rowRank,
        columnRank,
        lG,
        4 * rank,
        false,
        fN,
        rowBytes,
        false,
        out,
        rowBytes,
        4,
        true,
        0,
        0,
        work,
        fence,
      );
    }
    multiplyBy(out, p * rowRank, factor);
  }
}
