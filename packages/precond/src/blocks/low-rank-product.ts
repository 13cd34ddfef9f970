/**
 * P g of two low-rank factors by plain operators, with one product of the matrix's size where factor after factor takes two:
 * Bᵀ X A = X + [X U_A | V_B] [V_Aᵀ; U_Bᵀ X A] with U_Bᵀ X A = U_Bᵀ X + (U_Bᵀ X U_A) V_Aᵀ, and likewise on the way back.
 */
import * as tf from '@tensorflow/tfjs-core';

/** F = I + U Vᵀ. */
export interface LowRankSide {
  readonly u: tf.Tensor2D;
  readonly v: tf.Tensor2D;
}

/** B (S⊙S ⊙ (Bᵀ G A)) Aᵀ for `[m, n]` G and S; the caller owns the result. Run inside `tf.tidy`. */
export function lowRankProduct(
  g: tf.Tensor2D,
  scale: tf.Tensor2D,
  columns: LowRankSide,
  rows: LowRankSide,
): tf.Tensor2D {
  const t: tf.Tensor2D = tf.mul(tf.square(scale), rotated(g, columns, rows));
  const swapped = ({ u, v }: LowRankSide): LowRankSide => ({ u: v, v: u });
  return rotated(t, swapped(columns), swapped(rows));
}

/** What it costs beyond factor after factor: U_Bᵀ X U_A and its product with V_Aᵀ, twice. */
export function smallProductFlops(m: number, n: number, columnRank: number, rowRank: number): number {
  return 4 * columnRank * rowRank * (m + n);
}

/** (I + V_B U_Bᵀ) X (I + U_A V_Aᵀ). */
function rotated(x: tf.Tensor2D, columns: LowRankSide, rows: LowRankSide): tf.Tensor2D {
  const narrow: tf.Tensor2D = tf.matMul(x, columns.u);
  const low: tf.Tensor2D = tf.add(
    tf.matMul(rows.u, x, true),
    tf.matMul(tf.matMul(rows.u, narrow, true), columns.v, false, true),
  );
  const left = tf.concat([narrow, rows.v], 1);
  return tf.add(x, tf.matMul(left, tf.concat([tf.transpose(columns.v), low], 0)));
}
