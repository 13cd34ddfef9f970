/** What the step and the derivatives of a low-rank block share: its numbers, and P's rotations over panels of rows (Eq. 9–10). */
import { addDots, addOuter, addProduct, addRowProduct, transposed } from './products.js';

/** F = I + U Vᵀ with U, V `[size, rank]` row by row; rank 0 for I. */
export interface Side {
  readonly rank: number;
  readonly u: Float64Array;
  readonly v: Float64Array;
  /** Uᵀ and Vᵀ `[rank, size]`. */
  readonly uT: Float64Array;
  readonly vT: Float64Array;
}

export interface LowRankNumbers {
  readonly m: number;
  readonly n: number;
  /** S `[m, n]`. */
  readonly scale: Float32Array;
  readonly columns: Side;
  readonly rows: Side;
}

/** @param u U, absent for I. */
export function side(size: number, u?: Float32Array, v?: Float32Array): Side {
  const none = new Float64Array(0);
  if (u === undefined || v === undefined) return { rank: 0, u: none, v: none, uT: none, vT: none };
  const rank = u.length / size;
  return {
    rank,
    u: Float64Array.from(u),
    v: Float64Array.from(v),
    uT: transposed(u, size, rank),
    vT: transposed(v, size, rank),
  };
}

/** Rows that are in float64 at one time. */
export const PANEL_ROWS = 4;

/** Calls `body` for each panel of `m` rows. */
export function forPanels(m: number, body: (row: number, rows: number) => void): void {
  for (let row = 0; row < m; row += PANEL_ROWS) body(row, Math.min(PANEL_ROWS, m - row));
}

/** The panel's rows of x `[·, n]` from `row` on, in float64. */
export function load(panel: Float64Array, x: Float32Array, row: number, rows: number, n: number): void {
  const at = row * n;
  for (let j = 0; j < rows * n; j++) panel[j] = x[at + j]!;
}

/** X F `[m, r_A]` and Hᵀ X `[r_B, n]`: all that a rotation of X needs to know of all its rows. */
export interface Projection {
  readonly left: Float64Array;
  readonly sum: Float64Array;
}

export function emptyProjection({ m, n, columns, rows }: LowRankNumbers): Projection {
  return { left: new Float64Array(m * columns.rank), sum: new Float64Array(rows.rank * n) };
}

/** Adds a panel to the projection by F = `fT`ᵀ and H = `h`. */
export function project(
  { n, columns, rows: rowSide }: LowRankNumbers,
  into: Projection,
  panel: Float64Array,
  row: number,
  rows: number,
  fT: Float64Array,
  h: Float64Array,
): void {
  addDots(into.left, row, panel, rows, fT, columns.rank, n);
  addOuter(into.sum, h, row, rowSide.rank, panel, 0, rows, n);
}

/** Hᵀ X (I + F F′ᵀ) `[r_B, n]` from the projection of all rows, in a new array; `otherT` is F′ᵀ. */
export function folded(
  { m, n, columns, rows }: LowRankNumbers,
  { left, sum }: Projection,
  h: Float64Array,
  otherT: Float64Array,
): Float64Array {
  const small = new Float64Array(rows.rank * columns.rank);
  addOuter(small, h, 0, rows.rank, left, 0, m, columns.rank);
  const result = Float64Array.from(sum);
  addProduct(result, small, otherT, rows.rank, columns.rank, n);
  return result;
}

/** panel += (X F) F′ᵀ + H′ (Hᵀ X (I + F F′ᵀ)) for the panel's rows of X; `right` is what `folded` gave. */
export function rotate(
  { n, columns, rows: rowSide }: LowRankNumbers,
  panel: Float64Array,
  row: number,
  rows: number,
  left: Float64Array,
  otherT: Float64Array,
  otherH: Float64Array,
  right: Float64Array,
): void {
  for (let i = 0; i < rows; i++) {
    addRowProduct(panel, i, left, row + i, otherT, columns.rank, n);
    addRowProduct(panel, i, otherH, row + i, right, rowSide.rank, n);
  }
}
