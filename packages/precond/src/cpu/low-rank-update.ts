/** P g, or a step along it, for a block of low rank: u = B (S⊙S ⊙ (Bᵀ G A)) Aᵀ in three passes over rows, without a matrix of G's size beside the result. */
import { emptyProjection, folded, forPanels, load, PANEL_ROWS, project, rotate } from './low-rank.js';
import type { LowRankNumbers } from './low-rank.js';

/** θ′ = keep · θ − rate · u. */
export interface StepNumbers {
  readonly variable: Float32Array;
  readonly keep: number;
  readonly rate: number;
}

/** u or, with `step`, θ′ `[m, n]`, for the gradient g `[m, n]`. */
export function lowRankUpdate(block: LowRankNumbers, g: Float32Array, step?: StepNumbers): Float32Array {
  const { m, n, scale, columns, rows: rowSide } = block;
  const output = new Float32Array(m * n);
  const panel = new Float64Array(PANEL_ROWS * n);
  const first = emptyProjection(block);
  forPanels(m, (row, rows) => {
    load(panel, g, row, rows, n);
    project(block, first, panel, row, rows, columns.uT, rowSide.u);
  });
  const right = folded(block, first, rowSide.u, columns.vT);

  const second = emptyProjection(block);
  forPanels(m, (row, rows) => {
    load(panel, g, row, rows, n);
    rotate(block, panel, row, rows, first.left, columns.vT, rowSide.v, right);
    const at = row * n;
    for (let j = 0; j < rows * n; j++) {
      const s = scale[at + j]!;
      panel[j]! *= s * s;
      output[at + j] = panel[j]!;
    }
    project(block, second, panel, row, rows, columns.vT, rowSide.v);
  });
  const nextRight = folded(block, second, rowSide.v, columns.uT);

  forPanels(m, (row, rows) => {
    load(panel, output, row, rows, n);
    rotate(block, panel, row, rows, second.left, columns.uT, rowSide.u, nextRight);
    const at = row * n;
    if (step === undefined) {
      for (let j = 0; j < rows * n; j++) output[at + j] = panel[j]!;
      return;
    }
    const { variable, keep, rate } = step;
    // Rounded as tensors of u and of rate · u would be, so that with P = I it is gradient descent to the bit.
    for (let j = 0; j < rows * n; j++) {
      output[at + j] = keep * variable[at + j]! - Math.fround(rate * Math.fround(panel[j]!));
    }
  });
  return output;
}
