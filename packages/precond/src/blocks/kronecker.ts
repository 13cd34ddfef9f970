/**
 * P = (A⊗B) diag(vec S)² (A⊗B)ᵀ for a matrix `[m, n]` (Eq. 9–10, column-major vec), with A `[n, n]` and B `[m, m]` of any kind of
 * factor: R = Bᵀ G A, T = S⊙S⊙R, U = B T Aᵀ. With both factors I it is the diagonal preconditioner U = S⊙S⊙G.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';
import type { Factor, Product } from '../factors/factor.js';
import type { Block } from './block.js';
import { lowRankProduct, smallProductFlops } from './low-rank-product.js';

export interface KroneckerFactors {
  /** A, on the columns. */
  readonly columns: Factor;
  /** B, on the rows. */
  readonly rows: Factor;
}

/** @param scaleEntry The name of S `[m, n]` in φ; it starts at the root of P₀'s scale. */
export function kroneckerBlock(
  scaleEntry: string,
  [m, n]: readonly [number, number],
  { columns, rows }: KroneckerFactors,
): Block {
  const scaleOf = (phi: TensorMap): tf.Tensor2D => phi[scaleEntry] as tf.Tensor2D;

  /** X A and Bᵀ X A. */
  const rotate = (phi: TensorMap, x: tf.Tensor2D): { onColumns: Product; rotated: Product } => {
    const onColumns = columns.bind(phi).right(x);
    return { onColumns, rotated: rows.bind(phi).leftTransposed(onColumns.value) };
  };

  const ranks = [columns.lowRank?.rank, rows.lowRank?.rank] as const;
  const lowRankFlops =
    ranks[0] === undefined || ranks[1] === undefined ? 0 : smallProductFlops(m, n, ranks[0], ranks[1]);

  return {
    label: label(rows, columns),
    parameters: m * n + rows.parameters + columns.parameters,
    flops: 2 * (rows.flops(n) + columns.flops(m)) + 2 * m * n + lowRankFlops,
    // BᵀGA and BᵀWA, what the factors make of them, and element by element S⊙S (1), S⊙S⊙R, S⊙S⊙Q (2), 2 S⊙R⊙Q (3), ⟨T, Q⟩ (2).
    gradientFlops:
      2 * (rows.flops(n) + columns.flops(m)) +
      columns.columnGradientFlops(m, rows) +
      rows.rowGradientFlops(n) +
      8 * m * n,
    absorbing: scaleEntry,
    ...(columns.lowRank &&
      rows.lowRank && { lowRank: { scale: scaleEntry, columns: columns.lowRank, rows: rows.lowRank } }),
    ...(columns.whole &&
      rows.whole &&
      (columns.whole.entry ?? rows.whole.entry) !== undefined && {
        whole: { scale: scaleEntry, columns: columns.whole, rows: rows.whole },
      }),
    initialPhi: (random, scale) => ({
      ...columns.initialPhi(random),
      ...rows.initialPhi(random),
      [scaleEntry]: tf.fill([m, n], Math.sqrt(scale)),
    }),
    apply(phi, g) {
      const [a, b] = [columns.lowRank?.of(phi), rows.lowRank?.of(phi)];
      if (lowRankFlops > 0 && a && b) return lowRankProduct(g, scaleOf(phi), a, b);
      const t: tf.Tensor2D = tf.mul(tf.square(scaleOf(phi)), rotate(phi, g).rotated.value);
      return columns.bind(phi).rightTransposed(rows.bind(phi).left(t).value).value;
    },
    gradient(phi, g, w) {
      const [ofG, ofW] = [rotate(phi, g), rotate(phi, w)];
      const [r, q] = [ofG.rotated.value, ofW.rotated.value];
      const scale = scaleOf(phi);
      const squared = tf.square(scale);
      const scaledQ: tf.Tensor2D = tf.mul(squared, q);
      const scaledR: tf.Tensor2D = tf.mul(squared, r);
      return {
        phi: {
          // ∂/∂A = Wᵀ B T + Gᵀ B N
          ...columns.bind(phi).columnGradient(
            [
              { product: ofW.onColumns, with: scaledR },
              { product: ofG.onColumns, with: scaledQ },
            ],
            rows.bind(phi),
          ),
          // ∂/∂B = (W A) Tᵀ + (G A) Nᵀ
          ...rows.bind(phi).rowGradient([
            { product: ofW.rotated, with: scaledR },
            { product: ofG.rotated, with: scaledQ },
          ]),
          [scaleEntry]: tf.mul(tf.mul(scale, 2), tf.mul(r, q)),
        },
        inner: tf.sum(tf.mul(scaledR, q)),
      };
    },
    inner(phi, g, w) {
      return tf.sum(tf.mul(this.apply(phi, g), w));
    },
  };
}

/** Rows × columns, or one word where both sides are of one kind. */
function label(rows: Factor, columns: Factor): string {
  if (rows.label === 'identity' && columns.label === 'identity') return 'diagonal';
  return rows.label === columns.label ? rows.label : `${rows.label} × ${columns.label}`;
}
