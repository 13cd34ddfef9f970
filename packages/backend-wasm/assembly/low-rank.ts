/**
 * P_S of a Kronecker-factored block with low-rank factors (Eq. 9–10): u = B (S⊙S ⊙ (Bᵀ X A)) Aᵀ with A = I + U_A V_Aᵀ [n, n] and
 * B = I + U_B V_Bᵀ [m, m]. It takes three passes over rows, each in panels that stay in the second-level cache. Between the passes
 * stand sums over all rows: with [X U_A | V_B] and [V_Aᵀ; U_Bᵀ X A], Bᵀ X A is X plus one product of inner size r_A + r_B, and
 * likewise on the way back. A rank of 0 is the factor I.
 */
import { gemm } from './gemm';
import { transpose } from './pack';
import { addTo, clear, scaleBySquare, step } from './vector';

/** Rows of a panel: up to 48, `gemm` reads the right operand where it is. */
export const PANEL_ROWS: usize = 48;

/**
 * First pass: `left` rows get [X F | other rows] and the sums Hᵀ X [r_B, n] and Hᵀ X F [r_B, r_A] are formed, for X [rows, n], F
 * [n, r_A] and H [rows, r_B]. `extra` is the address of one more row of X, which follows the others, or 0.
 * @param left r_A + r_B floats a row.
 */
export function lowRankProject(
  rows: usize,
  n: usize,
  x: usize,
  extra: usize,
  columnRank: usize,
  f: usize,
  rowRank: usize,
  h: usize,
  other: usize,
  left: usize,
  sum: usize,
  small: usize,
  work: usize,
  fence: bool,
): void {
  clear(sum, rowRank * n);
  clear(small, rowRank * columnRank);
  const leftBytes = 4 * (columnRank + rowRank);
  for (let i: usize = 0; i < rows; i += PANEL_ROWS) {
    project(
      min(PANEL_ROWS, rows - i),
      n,
      x + i * n * 4,
      columnRank,
      f,
      rowRank,
      h + i * rowRank * 4,
      other + i * rowRank * 4,
      left + i * leftBytes,
      sum,
      small,
      work,
      fence,
    );
  }
  if (extra == 0) return;
  const at = rows * rowRank * 4;
  const leftRow = left + rows * leftBytes;
  project(1, n, extra, columnRank, f, rowRank, h + at, other + at, leftRow, sum, small, work, fence);
}

function project(
  rows: usize,
  n: usize,
  x: usize,
  columnRank: usize,
  f: usize,
  rowRank: usize,
  h: usize,
  other: usize,
  left: usize,
  sum: usize,
  small: usize,
  work: usize,
  fence: bool,
): void {
  const leftBytes = 4 * (columnRank + rowRank);
  const rowBytes = 4 * rowRank;
  if (columnRank > 0) {
    gemm(
      rows,
      columnRank,
      n,
      x,
      4 * n,
      false,
      f,
      4 * columnRank,
      false,
      left,
      leftBytes,
      4,
      false,
      0,
      0,
      work,
      fence,
    );
  }
  if (rowRank == 0) return;
  gemm(rowRank, n, rows, h, rowBytes, true, x, 4 * n, false, sum, 4 * n, 4, true, 0, 0, work, fence);
  for (let i: usize = 0; i < rows; i++) {
    memory.copy(left + i * leftBytes + 4 * columnRank, other + i * rowBytes, rowBytes);
  }
  if (columnRank == 0) return;
  gemm(
    rowRank,
    columnRank,
    rows,
    h,
    rowBytes,
    true,
    left,
    leftBytes,
    false,
    small,
    4 * columnRank,
    4,
    true,
    0,
    0,
    work,
    fence,
  );
}

/**
 * Second pass: T = S⊙S ⊙ (X + left·right) into `output`, and its projection as `lowRankProject` makes it, with `nextLeft`.
 * `right` is [r_A + r_B, n]; `output` and `extraOutput` lie as X and its extra row do, S [rows, n] without a gap.
 */
export function lowRankRotate(
  rows: usize,
  n: usize,
  x: usize,
  extra: usize,
  output: usize,
  extraOutput: usize,
  scale: usize,
  left: usize,
  right: usize,
  columnRank: usize,
  f: usize,
  rowRank: usize,
  h: usize,
  other: usize,
  nextLeft: usize,
  sum: usize,
  small: usize,
  work: usize,
  fence: bool,
): void {
  clear(sum, rowRank * n);
  clear(small, rowRank * columnRank);
  const rank = columnRank + rowRank;
  const all = rows + (extra == 0 ? 0 : 1);
  for (let i: usize = 0; i < all; i += i < rows ? min(PANEL_ROWS, rows - i) : 1) {
    const panel = i < rows ? min(PANEL_ROWS, rows - i) : 1;
    const target = i < rows ? output + i * n * 4 : extraOutput;
    rotate(panel, n, i < rows ? x + i * n * 4 : extra, left + i * rank * 4, right, rank, target, work, fence);
    scaleBySquare(target, scale + i * n * 4, panel * n);
    project(
      panel,
      n,
      target,
      columnRank,
      f,
      rowRank,
      h + i * rowRank * 4,
      other + i * rowRank * 4,
      nextLeft + i * rank * 4,
      sum,
      small,
      work,
      fence,
    );
  }
}

/** target = x + left·right. */
export function rotate(
  rows: usize,
  n: usize,
  x: usize,
  left: usize,
  right: usize,
  rank: usize,
  target: usize,
  work: usize,
  fence: bool,
): void {
  memory.copy(target, x, rows * n * 4);
  if (rank > 0)
    gemm(
      rows,
      n,
      rank,
      left,
      4 * rank,
      false,
      right,
      4 * n,
      false,
      target,
      4 * n,
      4,
      true,
      0,
      0,
      work,
      fence,
    );
}

/**
 * Third pass: u = T + left·right in the place of T, then `keep`·θ − `rate`·u, or u alone where `variable` is 0. `extra` is the
 * extra row of T, `extraVariable` that of θ.
 */
export function lowRankStep(
  rows: usize,
  n: usize,
  t: usize,
  extra: usize,
  variable: usize,
  extraVariable: usize,
  left: usize,
  right: usize,
  rank: usize,
  keep: f32,
  rate: f32,
  work: usize,
  fence: bool,
): void {
  const all = rows + (extra == 0 ? 0 : 1);
  for (let i: usize = 0; i < all; i += i < rows ? min(PANEL_ROWS, rows - i) : 1) {
    const panel = i < rows ? min(PANEL_ROWS, rows - i) : 1;
    const target = i < rows ? t + i * n * 4 : extra;
    if (rank > 0) {
      gemm(
        panel,
        n,
        rank,
        left + i * rank * 4,
        4 * rank,
        false,
        right,
        4 * n,
        false,
        target,
        4 * n,
        4,
        true,
        0,
        0,
        work,
        fence,
      );
    }
    if (variable != 0) step(target, i < rows ? variable + i * n * 4 : extraVariable, panel * n, keep, rate);
  }
}

/**
 * Between the passes: right = [Fᵀ; Σ sum + (Σ small)·Fᵀ] [r_A + r_B, n] for F [n, r_A], from the sums of `parts` parts, which lie
 * `partBytes` apart. The first part's are the totals afterwards.
 */
export function lowRankCombine(
  n: usize,
  columnRank: usize,
  f: usize,
  rowRank: usize,
  sum: usize,
  small: usize,
  parts: usize,
  partBytes: usize,
  right: usize,
  work: usize,
  fence: bool,
): void {
  for (let part: usize = 1; part < parts; part++) {
    addTo(sum, sum + part * partBytes, rowRank * n);
    addTo(small, small + part * partBytes, rowRank * columnRank);
  }
  transpose(f, 4 * columnRank, n, columnRank, right, 4 * n);
  const below = right + 4 * columnRank * n;
  memory.copy(below, sum, 4 * rowRank * n);
  if (columnRank == 0 || rowRank == 0) return;
  gemm(
    rowRank,
    n,
    columnRank,
    small,
    4 * columnRank,
    false,
    right,
    4 * n,
    false,
    below,
    4 * n,
    4,
    true,
    0,
    0,
    work,
    fence,
  );
}
