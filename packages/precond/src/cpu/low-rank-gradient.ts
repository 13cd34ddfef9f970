/**
 * ∂/∂φ of c ⟨V, P G⟩ for a block of low rank, in three passes over rows. With R = Bᵀ G A, M = Bᵀ V A, T = S⊙S⊙R, N = S⊙S⊙M:
 *   ∂/∂S = 2c S⊙R⊙M,   ∂/∂U_A = c (Vᵀ B (T V_A) + Gᵀ B (N V_A)),   ∂/∂V_A = c (Tᵀ Bᵀ (V U_A) + Nᵀ Bᵀ (G U_A)),
 *   ∂/∂U_B = c ((V A) (Tᵀ V_B) + (G A) (Nᵀ V_B)),   ∂/∂V_B = c (T (V A)ᵀ U_B + N (G A)ᵀ U_B).
 * B is written out, so that T and N never leave a panel: Vᵀ B Y = Vᵀ Y + (Vᵀ U_B) (V_Bᵀ Y), and likewise.
 */
import { emptyProjection, folded, forPanels, load, PANEL_ROWS, project, rotate } from './low-rank.js';
import type { LowRankNumbers, Projection, Side } from './low-rank.js';
import { addDots, addOuter, addProduct, transposed } from './products.js';

export interface LowRankDerivatives {
  /** `[m, n]`. */
  readonly scale: Float32Array;
  /** `[n, r_A]`, empty at rank 0. */
  readonly columnU: Float32Array;
  readonly columnV: Float32Array;
  /** `[m, r_B]`, likewise. */
  readonly rowU: Float32Array;
  readonly rowV: Float32Array;
  /** c ⟨V, P G⟩. */
  readonly inner: number;
}

/** One of G and V on its way, and the other's products that its own derivatives are made of. */
interface Operand {
  readonly x: Float32Array;
  readonly panel: Float64Array;
  /** X U_A and U_Bᵀ X. */
  readonly projection: Projection;
  /** U_Bᵀ X A `[r_B, n]`. */
  readonly right: Float64Array;
  /** Over all rows, with X′ the scaled rotation of this operand (T of G, N of V): X′ V_A `[m, r_A]`. */
  readonly narrow: Float64Array;
  /** V_Bᵀ X′ `[r_B, n]`. */
  readonly low: Float64Array;
}

/** For G and V `[m, n]`. */
export function lowRankGradient(
  block: LowRankNumbers,
  g: Float32Array,
  v: Float32Array,
  c: number,
): LowRankDerivatives {
  const { m, n, scale, columns, rows: rowSide } = block;
  const [rA, rB] = [columns.rank, rowSide.rank];
  const [ofG, ofV] = [projected(block, g), projected(block, v)];
  const byScale = new Float32Array(m * n);
  // Transposed, without B's part: (X U_A)ᵀ times the other's X′, and (X′ V_A)ᵀ times the other operand itself.
  const byColumnV = new Float64Array(rA * n);
  const byColumnU = new Float64Array(rA * n);
  const byRowV = new Float64Array(m * rB);
  const own = new Float64Array(PANEL_ROWS * n);
  let inner = 0;
  forPanels(m, (row, rows) => {
    for (const { x, panel, projection, right } of [ofG, ofV]) {
      load(panel, x, row, rows, n);
      rotate(block, panel, row, rows, projection.left, columns.vT, rowSide.v, right);
    }
    inner += scaleBoth(ofG.panel, ofV.panel, scale, byScale, row * n, rows * n, c);
    for (const [one, other] of [
      [ofG, ofV],
      [ofV, ofG],
    ] as const) {
      addDots(one.narrow, row, one.panel, rows, columns.vT, rA, n);
      addOuter(one.low, rowSide.v, row, rB, one.panel, 0, rows, n);
      addDots(byRowV, row, one.panel, rows, other.right, rB, n);
      addOuter(byColumnV, other.projection.left, row, rA, one.panel, 0, rows, n);
      load(own, other.x, row, rows, n);
      addOuter(byColumnU, one.narrow, row, rA, own, 0, rows, n);
    }
  });
  const byRowU = new Float64Array(m * rB);
  for (const [one, other] of [
    [ofG, ofV],
    [ofV, ofG],
  ] as const) {
    // The other operand X times A (V_Bᵀ X′)ᵀ = X (V_Bᵀ X′)ᵀ + (X U_A) (V_Bᵀ X′ V_A)ᵀ.
    forPanels(m, (row, rows) => {
      load(own, other.x, row, rows, n);
      addDots(byRowU, row, own, rows, one.low, rB, n);
    });
    const small = new Float64Array(rB * rA);
    addDots(small, 0, one.low, rB, columns.vT, rA, n);
    addProduct(byRowU, other.projection.left, transposed(small, rB, rA), m, rA, rB);
    addThroughRows(block, byColumnV, other.projection.left, rowSide.u, one.low);
    addThroughRows(block, byColumnU, one.narrow, rowSide.v, other.projection.sum);
  }
  const turned = (by: Float64Array): Float32Array => times(transposed(by, rA, n), c);
  return {
    scale: byScale,
    columnU: turned(byColumnU),
    columnV: turned(byColumnV),
    rowU: times(byRowU, c),
    rowV: times(byRowV, c),
    inner: c * inner,
  };
}

function projected(block: LowRankNumbers, x: Float32Array): Operand {
  const { m, n, columns, rows: rowSide } = block;
  const panel = new Float64Array(PANEL_ROWS * n);
  const projection = emptyProjection(block);
  forPanels(m, (row, rows) => {
    load(panel, x, row, rows, n);
    project(block, projection, panel, row, rows, columns.uT, rowSide.u);
  });
  return {
    x,
    panel,
    projection,
    right: folded(block, projection, rowSide.u, columns.vT),
    narrow: new Float64Array(m * columns.rank),
    low: new Float64Array(rowSide.rank * n),
  };
}

/** From R and M in the panels: 2c S⊙R⊙M, then T and N in their places. Returns ⟨T, M⟩. */
function scaleBoth(
  r: Float64Array,
  q: Float64Array,
  scale: Float32Array,
  byScale: Float32Array,
  at: number,
  count: number,
  c: number,
): number {
  let inner = 0;
  for (let j = 0; j < count; j++) {
    const s = scale[at + j]!;
    const product = s * r[j]! * q[j]!;
    byScale[at + j] = 2 * c * product;
    inner += s * product;
    r[j]! *= s * s;
    q[j]! *= s * s;
  }
  return inner;
}

/** sum `[r_A, n]` += (yᵀ h) low for y `[m, r_A]`, h `[m, r_B]`, low `[r_B, n]`. */
function addThroughRows(
  { m, n, columns, rows }: { m: number; n: number; columns: Side; rows: Side },
  sum: Float64Array,
  y: Float64Array,
  h: Float64Array,
  low: Float64Array,
): void {
  const small = new Float64Array(columns.rank * rows.rank);
  addOuter(small, y, 0, columns.rank, h, 0, m, rows.rank);
  addProduct(sum, small, low, columns.rank, rows.rank, n);
}

function times(x: Float64Array, c: number): Float32Array {
  const scaled = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) scaled[i] = c * x[i]!;
  return scaled;
}
