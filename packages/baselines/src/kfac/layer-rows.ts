/** A layer's inputs and output gradients as matrices with one row per example and position: X̄ `[N, T, in (+ 1)]`, Δ `[N, T, out]`. */
import * as tf from '@tensorflow/tfjs-core';
import type { LayerUse } from '@apo/core';
import type { Observation } from './block.js';
import type { KroneckerPlan } from './partition.js';
import { patches } from './patches.js';

export type MatrixUse = Extract<LayerUse, { kind: 'dense' } | { kind: 'convolution' }>;

/** The uses of a block's kernel. */
export function usesOf(plan: KroneckerPlan, { capture }: Observation): MatrixUse[] {
  return capture.uses.filter(
    (use): use is MatrixUse =>
      (use.kind === 'dense' || use.kind === 'convolution') && use.kernel === plan.kernel,
  );
}

/** X̄ `[rows, in]` without the bias's column. Rows of a convolution are its output positions. */
export function inputRows(use: MatrixUse): tf.Tensor2D {
  if (use.kind === 'dense') return use.inputs as tf.Tensor2D;
  const matrix = patches(use.inputs, use.geometry);
  return tf.reshape(matrix, [-1, matrix.shape[2]]);
}

/** A gradient at the layer's output as `[rows, out]`. */
export function gradientRows(gradient: tf.Tensor): tf.Tensor2D {
  return tf.reshape(gradient, [-1, gradient.shape[gradient.rank - 1]!]);
}

/** All uses of a kernel side by side: X̄ `[N, T, in (+ 1)]` with the bias's ones, T summed over uses. */
export function exampleInputs(
  plan: KroneckerPlan,
  uses: readonly MatrixUse[],
  examples: number,
): tf.Tensor3D {
  const perUse = uses.map((use): tf.Tensor3D => {
    const rows = inputRows(use);
    const withBias = plan.bias === undefined ? rows : tf.concat([rows, tf.ones([rows.shape[0], 1])], 1);
    return tf.reshape(withBias, [examples, -1, plan.rows]);
  });
  return perUse.length === 1 ? perUse[0]! : tf.concat(perUse, 1);
}

/** The gradients at the outputs of the same uses, `[N, T, out]`. */
export function exampleGradients(
  plan: KroneckerPlan,
  gradients: readonly tf.Tensor[],
  examples: number,
): tf.Tensor3D {
  const perUse = gradients.map((gradient): tf.Tensor3D => tf.reshape(gradient, [examples, -1, plan.columns]));
  return perUse.length === 1 ? perUse[0]! : tf.concat(perUse, 1);
}
