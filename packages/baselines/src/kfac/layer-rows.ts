/** A layer's inputs and output gradients as matrices with one row per example and position: X̄ `[N, T, in (+ 1)]`, Δ `[N, T, out]`. */
import * as tf from '@tensorflow/tfjs-core';
import type { Observation } from './block.js';
import { isMatrixUse } from './partition.js';
import type { KroneckerPlan, MatrixUse } from './partition.js';
import { patches } from './patches.js';

/** The uses of a block's kernel. */
export function usesOf(plan: KroneckerPlan, { capture }: Observation): MatrixUse[] {
  return capture.uses.filter((use): use is MatrixUse => isMatrixUse(use) && use.kernel === plan.kernel);
}

/** X̄ `[rows, in]` without the bias's column. Rows of a convolution are its output positions, of a transposed one its input positions. */
export function inputRows(use: MatrixUse): tf.Tensor2D {
  return rowsOf(use.kind === 'convolution' ? patches(use.inputs, use.geometry) : use.inputs);
}

/** A gradient at the output of `use` as `[rows, out]`; the outputs of a transposed convolution are patches. */
export function gradientRows(use: MatrixUse, gradient: tf.Tensor): tf.Tensor2D {
  return rowsOf(use.kind === 'transposed-convolution' ? patches(gradient, use.geometry) : gradient);
}

/** Rows of X̄, over all examples. */
export function positionsOf(use: MatrixUse): number {
  const { inputs, outputGradients } = use;
  // Of the two sides, the one that is not made of patches.
  const side = use.kind === 'convolution' ? outputGradients : inputs;
  return side.size / side.shape[side.rank - 1]!;
}

function rowsOf(tensor: tf.Tensor): tf.Tensor2D {
  return tf.reshape(tensor, [-1, tensor.shape[tensor.rank - 1]!]);
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

/** The gradients at the outputs of the same uses, one for each, `[N, T, out]`. */
export function exampleGradients(
  plan: KroneckerPlan,
  uses: readonly MatrixUse[],
  gradients: readonly tf.Tensor[],
  examples: number,
): tf.Tensor3D {
  const perUse = uses.map((use, i): tf.Tensor3D =>
    tf.reshape(gradientRows(use, gradients[i]!), [examples, -1, plan.columns]),
  );
  return perUse.length === 1 ? perUse[0]! : tf.concat(perUse, 1);
}
