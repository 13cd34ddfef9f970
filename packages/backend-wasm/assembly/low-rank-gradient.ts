/**
 * The vector–Jacobian product of a low-rank block (see `low-rank.ts`): ∂/∂φ of c ⟨V, P G⟩. With M = Bᵀ V A, N = S⊙S⊙M and
 * T = S⊙S⊙R,
 *   ∂/∂S = 2c S⊙R⊙M,   ∂/∂U_A = c Vᵀ B (T V_A) + …,   ∂/∂V_A = c Tᵀ Bᵀ (V U_A) + …,
 *   ∂/∂U_B = c (V A) (Tᵀ V_B) + …,   ∂/∂V_B = c T (V A)ᵀ U_B + …,
 * where … is the same with (V, T) replaced by (G, N). A and B are written out, so that V and G are read where they are and T and
 * N never leave a panel: Vᵀ B Y = Vᵀ Y + (U_Bᵀ V)ᵀ (V_Bᵀ Y), and likewise.
 */
import { gemm } from './gemm';
import { PANEL_ROWS, rotate } from './low-rank';
import { clear } from './vector';

/** Floats before the sums of a part: the sum of inner products, in float64, and a gap. */
export const HEAD: usize = 16;

/** Floats of the sums of one part. */
export function lowRankGradientSums(n: usize, columnRank: usize, rowRank: usize): usize {
  return (HEAD + 2 * (2 * columnRank + rowRank) * n + 2 * rowRank * columnRank + 15) & ~15;
}

/** Bytes of a thread's working space besides that of `gemm`. */
export function lowRankGradientSpace(n: usize, columnRank: usize): usize {
  return 8 * PANEL_ROWS * (n + columnRank);
}

/**
 * Over rows of a part, after `lowRankProject` with F = U_A, H = U_B and `other` = V_B and `lowRankCombine` on G and on V: rows of
 * ∂/∂S and ∂/∂V_B, and the sums that the other derivatives need. `turnedG` and `turnedV` are (U_Bᵀ G A)ᵀ and (U_Bᵀ V A)ᵀ
 * [n, r_B]. `extra…` is the address of one more row or 0.
 */
export function lowRankGradientRows(
  rows: usize,
  n: usize,
  g: usize,
  extraG: usize,
  v: usize,
  extraV: usize,
  scale: usize,
  byScale: usize,
  leftG: usize,
  leftV: usize,
  rightG: usize,
  rightV: usize,
  columnRank: usize,
  columnV: usize,
  rowRank: usize,
  rowV: usize,
  turnedG: usize,
  turnedV: usize,
  byRowV: usize,
  sums: usize,
  factor: f32,
  work: usize,
  fence: bool,
): void {
  const rank = columnRank + rowRank;
  const wide = 4 * n;
  const rowBytes = 4 * rowRank;
  const columnBytes = 4 * columnRank;
  const zT = sums + 4 * HEAD;
  const zN = zT + rank * wide;
  const yV = zN + rank * wide;
  const yG = yV + columnRank * wide;
  const smallT = yG + columnRank * wide;
  const smallN = smallT + rowRank * columnBytes;
  clear(sums, HEAD + 2 * (rank + columnRank) * n + 2 * rowRank * columnRank);
  const t = work;
  const q = t + PANEL_ROWS * wide;
  const tv = q + PANEL_ROWS * wide;
  const nv = tv + PANEL_ROWS * columnBytes;
  work = nv + PANEL_ROWS * columnBytes;
  let inner: f64 = 0;
  const all = rows + (extraG == 0 ? 0 : 1);
  for (let i: usize = 0; i < all; i += i < rows ? min(PANEL_ROWS, rows - i) : 1) {
    const p = i < rows ? min(PANEL_ROWS, rows - i) : 1;
    const ownG = i < rows ? g + i * wide : extraG;
    const ownV = i < rows ? v + i * wide : extraV;
    const lG = leftG + i * rank * 4;
    const lV = leftV + i * rank * 4;
    rotate(p, n, ownG, lG, rightG, rank, t, work, fence);
    rotate(p, n, ownV, lV, rightV, rank, q, work, fence);
    inner += scaleBoth(t, q, scale + i * wide, byScale + i * wide, p * n, 2 * factor);
    if (rank > 0) {
      gemm(rank, n, p, lV, 4 * rank, true, t, wide, false, zT, wide, 4, true, 0, 0, work, fence);
      gemm(rank, n, p, lG, 4 * rank, true, q, wide, false, zN, wide, 4, true, 0, 0, work, fence);
    }
    if (columnRank > 0) {
      gemm(
        p,
        columnRank,
        n,
        t,
        wide,
        false,
        columnV,
        columnBytes,
        false,
        tv,
        columnBytes,
        4,
        false,
        0,
        0,
        work,
        fence,
      );
      gemm(
        p,
        columnRank,
        n,
        q,
        wide,
        false,
        columnV,
        columnBytes,
        false,
        nv,
        columnBytes,
        4,
        false,
        0,
        0,
        work,
        fence,
      );
      gemm(columnRank, n, p, tv, columnBytes, true, ownV, wide, false, yV, wide, 4, true, 0, 0, work, fence);
      gemm(columnRank, n, p, nv, columnBytes, true, ownG, wide, false, yG, wide, 4, true, 0, 0, work, fence);
    }
    if (rowRank > 0) {
      const h = rowV + i * rowBytes;
      const out = byRowV + i * rowBytes;
      gemm(
        p,
        rowRank,
        n,
        t,
        wide,
        false,
        turnedV,
        rowBytes,
        false,
        out,
        rowBytes,
        4,
        false,
        0,
        0,
        work,
        fence,
      );
      gemm(
        p,
        rowRank,
        n,
        q,
        wide,
        false,
        turnedG,
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
      multiplyBy(out, p * rowRank, factor);
      if (columnRank > 0) {
        gemm(
          rowRank,
          columnRank,
          p,
          h,
          rowBytes,
          true,
          tv,
          columnBytes,
          false,
          smallT,
          columnBytes,
          4,
          true,
          0,
          0,
          work,
          fence,
        );
        gemm(
          rowRank,
          columnRank,
          p,
          h,
          rowBytes,
          true,
          nv,
          columnBytes,
          false,
          smallN,
          columnBytes,
          4,
          true,
          0,
          0,
          work,
          fence,
        );
      }
    }
  }
  store<f64>(sums, inner);
}

/** From R and M: twice·S⊙R⊙M into `byScale`, then T = S⊙S⊙R and N = S⊙S⊙M in their places. Returns ⟨T, M⟩. */
function scaleBoth(t: usize, q: usize, s: usize, byScale: usize, count: usize, twice: f32): f64 {
  const c = f32x4.splat(twice);
  const end = count * 4;
  let total: f64 = 0;
  let at: usize = 0;
  while (at + 16 <= end) {
    // At most 256 terms in each lane, then float64.
    const stop = min(end & ~15, at + 4096);
    let sum = f32x4.splat(0);
    for (; at < stop; at += 16) {
      const scale = v128.load(s + at);
      const r = v128.load(t + at);
      const m = v128.load(q + at);
      const square = f32x4.mul(scale, scale);
      const scaled = f32x4.mul(square, r);
      v128.store(byScale + at, f32x4.mul(f32x4.mul(c, scale), f32x4.mul(r, m)));
      v128.store(t + at, scaled);
      v128.store(q + at, f32x4.mul(square, m));
      sum = f32x4.add(sum, f32x4.mul(scaled, m));
    }
    total +=
      <f64>f32x4.extract_lane(sum, 0) +
      <f64>f32x4.extract_lane(sum, 1) +
      <f64>f32x4.extract_lane(sum, 2) +
      <f64>f32x4.extract_lane(sum, 3);
  }
  for (; at < end; at += 4) {
    const scale = load<f32>(s + at);
    const r = load<f32>(t + at);
    const m = load<f32>(q + at);
    const square = scale * scale;
    store<f32>(byScale + at, twice * scale * (r * m));
    store<f32>(t + at, square * r);
    store<f32>(q + at, square * m);
    total += <f64>(square * r * m);
  }
  return total;
}

/** x ← factor·x. */
export function multiplyBy(x: usize, count: usize, factor: f32): void {
  for (let at = x; at < x + count * 4; at += 4) store<f32>(at, factor * load<f32>(at));
}
