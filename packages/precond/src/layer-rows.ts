/** The gradient of a dense layer as G = X̄ᵀΔ, a sum over the rows of a batch, when nothing else has a part in it. */
import * as tf from '@tensorflow/tfjs-core';
import type { DenseLayer, LayerUse } from '@apo/core';
import type { MatrixLayout } from './matricize.js';

/** G `[m, n]` = `inputs` · `outputs` over N rows: a row for each example, or each position of a sequence. */
export interface LayerRows {
  /** X̄ᵀ `[m, N]`; the row of a folded bias is of ones. */
  readonly inputs: tf.Tensor2D;
  /** Δ `[N, n]`. */
  readonly outputs: tf.Tensor2D;
}

type DenseUse = Extract<LayerUse, DenseLayer>;

/**
 * X̄ᵀ and Δ of a block's variables, over all dense layers that share them; `undefined` when another use of one of them (a
 * convolution, a regulariser, the loss itself) adds to the gradient, or the layer lays its matrix out in another way.
 * @param uses All uses of the variables in the objective.
 */
export function layerRows(
  { variables, shape, inOrder }: MatrixLayout,
  uses: readonly LayerUse[],
): LayerRows | undefined {
  const [kernel, bias] = variables;
  const [m, n] = shape;
  const height = bias ? m - 1 : m;
  const own = uses.filter((use) => variables.some(({ name }) => mentions(use, name)));
  const fits = (use: LayerUse): use is DenseUse =>
    use.kind === 'dense' &&
    use.kernel === kernel!.name &&
    !(use.transposed && use.bias !== undefined && use.bias === bias?.name) &&
    use.matrixShape[use.transposed ? 1 : 0] === height &&
    use.matrixShape[use.transposed ? 0 : 1] === n;
  const dense = own.filter(fits);
  if (!inOrder || dense.length === 0 || dense.length < own.length) return undefined;
  const parts = dense.map((use) => {
    const [given, delta]: [tf.Tensor2D, tf.Tensor2D] = [
      tf.reshape(use.inputs, [-1, use.matrixShape[0]]),
      tf.reshape(use.outputGradients, [-1, use.matrixShape[1]]),
    ];
    // y = x Wᵀ has the gradient Δᵀ X̄.
    const [inputs, outputs] = use.transposed ? [delta, given] : [given, delta];
    const turned = tf.transpose(inputs);
    if (!bias) return { inputs: turned, outputs };
    const last = tf.fill<tf.Rank.R2>([1, inputs.shape[0]], use.bias === bias.name ? 1 : 0);
    return { inputs: tf.concat([turned, last]), outputs };
  });
  if (parts.length === 1) return parts[0];
  return {
    inputs: tf.concat(
      parts.map(({ inputs }) => inputs),
      1,
    ),
    outputs: tf.concat(parts.map(({ outputs }) => outputs)),
  };
}

function mentions(use: LayerUse, name: string): boolean {
  return 'kernel' in use ? use.kernel === name || use.bias === name : use.variable === name;
}
