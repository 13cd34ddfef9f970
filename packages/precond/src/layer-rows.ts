/** The gradient of a dense layer as G = X̄ᵀΔ, a sum over the rows of a batch, when nothing else has a part in it. */
import * as tf from '@tensorflow/tfjs-core';
import type { DenseLayer, LayerUse } from '@apo/core';
import type { MatrixLayout, NamedShape } from './matricize.js';

/** X̄ᵀΔ over N rows, one for each example, or for each position of a sequence. */
export interface LayerRows {
  /** X̄ `[N, m]`; the column of a folded bias is of ones. */
  readonly inputs: tf.Tensor2D;
  /** Δ `[N, n]`. */
  readonly outputs: tf.Tensor2D;
}

/** Rows that are not put together before it is known whether they are wanted. */
export interface RowsOfLayer {
  /** N. */
  readonly count: number;
  /** New tensors. Run inside `tf.tidy`. */
  rows(): LayerRows;
}

type DenseUse = Extract<LayerUse, DenseLayer>;

/**
 * X̄ and Δ of a block's variables, over all dense layers that share them; `undefined` when another use of one of them (a
 * convolution, a regulariser, the loss itself) adds to the gradient, or the layer lays its matrix out in another way.
 * @param uses All uses of the variables in the objective.
 */
export function layerRows(
  { variables, shape, inOrder }: MatrixLayout,
  uses: readonly LayerUse[],
): RowsOfLayer | undefined {
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
  return {
    count: dense.reduce((sum, use) => sum + use.inputs.size / use.matrixShape[0], 0),
    rows() {
      const parts = dense.map((use) => rowsOfUse(use, bias));
      return {
        inputs: joined(parts.map(({ inputs }) => inputs)),
        outputs: joined(parts.map(({ outputs }) => outputs)),
      };
    },
  };
}

function rowsOfUse(use: DenseUse, bias: NamedShape | undefined): LayerRows {
  const x: tf.Tensor2D = tf.reshape(use.inputs, [-1, use.matrixShape[0]]);
  const delta: tf.Tensor2D = tf.reshape(use.outputGradients, [-1, use.matrixShape[1]]);
  // y = x Wᵀ has the gradient Δᵀ X̄.
  const [inputs, outputs] = use.transposed ? [delta, x] : [x, delta];
  if (!bias) return { inputs, outputs };
  const ones = tf.fill<tf.Rank.R2>([inputs.shape[0], 1], use.bias === bias.name ? 1 : 0);
  return { inputs: tf.concat([inputs, ones], 1), outputs };
}

function joined(parts: readonly tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? parts[0]! : tf.concat([...parts]);
}

function mentions(use: LayerUse, name: string): boolean {
  return 'kernel' in use ? use.kernel === name || use.bias === name : use.variable === name;
}
