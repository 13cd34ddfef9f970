/**
 * A diagonal block: second moments of the gradients of single examples (normalisation scales and shifts, embeddings, depthwise
 * kernels, biases that cannot be folded), or of the batch gradient where nothing better is known.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';
import { read } from '../step/needs.js';
import type { Needs } from '../step/needs.js';
import type { CurvatureBlock, Observation, ObservedUse, StateValues } from './block.js';
import type { DiagonalPlan } from './partition.js';
import { patches } from './patches.js';

/** Uses whose gradient is a sum over positions. */
type Elementwise = Exclude<ObservedUse, { kind: 'embedding' }>;

export class DiagonalBlock implements CurvatureBlock {
  readonly averages: readonly string[] = ['moments'];
  readonly stateShapes: Readonly<Record<string, readonly number[]>>;

  constructor(readonly plan: DiagonalPlan) {
    this.stateShapes = { moments: plan.shape };
  }

  statistics({ capture, fisher }: Observation): TensorMap | undefined {
    const { variable, source } = this.plan;
    if (source === 'batch') {
      // The mean of N independent gradients has an N-th of their second moment.
      return { moments: tf.mul(tf.square(capture.gradients[variable]!), capture.examples) };
    }
    const uses = capture.uses.filter(
      (use): use is ObservedUse =>
        use.kind !== 'other' &&
        ('kernel' in use ? use.kernel === variable || use.bias === variable : use.variable === variable),
    );
    if (uses.length === 0) return undefined;
    const perUse = uses.map((use) => fisher.gradients(use));
    const sums = perUse[0]!.map((_, cotangent) =>
      tf.tidy(() => {
        const at = perUse.map((gradients) => gradients[cotangent]!);
        const { examples } = capture;
        const embeddings = uses.filter((use) => use.kind === 'embedding');
        if (embeddings.length > 0) return embeddingSquares(embeddings, at, this.plan.shape, examples);
        const gradients = uses.map((use, u) =>
          exampleGradients(use as Elementwise, variable, this.plan.shape, at[u]!, examples),
        );
        return tf.sum(tf.square(gradients.length === 1 ? gradients[0]! : tf.addN(gradients)), 0);
      }),
    );
    return { moments: tf.mul(tf.addN(sums), fisher.weight(capture)) };
  }

  invert(): Needs<StateValues> {
    return nothing();
  }

  precondition(state: TensorMap, gradients: TensorMap, damping: number): TensorMap {
    const { variable } = this.plan;
    return { [variable]: tf.div(gradients[variable]!, tf.add(state['moments']!, damping)) };
  }

  quadratic(state: TensorMap, displacement: TensorMap): tf.Scalar {
    return tf.sum(tf.mul(state['moments']!, tf.square(displacement[this.plan.variable]!)));
  }
}

/** There is nothing to invert. */
function* nothing(): Needs<StateValues> {
  yield* read([]);
  return {};
}

/** The gradients of single examples with respect to `variable`, through one use: `[examples, …shape]`. */
function exampleGradients(
  use: Elementwise,
  variable: string,
  shape: readonly number[],
  gradient: tf.Tensor,
  examples: number,
): tf.Tensor {
  switch (use.kind) {
    case 'scale':
      return summedToShape(tf.mul(use.inputs, gradient), use.alignedShape, shape, examples);
    case 'shift':
      return summedToShape(gradient, use.alignedShape, shape, examples);
    case 'depthwise':
      if (use.bias === variable) return summedToShape(gradient, shape, shape, examples);
      return depthwiseKernels(use, gradient, shape);
    case 'dense':
    case 'convolution':
    case 'transposed-convolution':
      return summedToShape(gradient, shape, shape, examples);
  }
}

/**
 * Sums `[…, N, …]` down to `[N, …shape]`; `aligned` is the variable's shape where it meets the last axes of `terms`. Where the
 * examples lie along the variable's own axes, as tokens do along a table of positions, each of its entries meets one example of
 * every repetition, and the result is `[repetitions, …shape]`: the squares sum to the same.
 */
function summedToShape(
  terms: tf.Tensor,
  aligned: readonly number[],
  shape: readonly number[],
  examples: number,
): tf.Tensor {
  const first = aligned.findIndex((extent) => extent !== 1);
  const own = first < 0 ? [] : aligned.slice(first);
  const ownAxes = terms.rank - own.length;
  const repetitions = tf.util.sizeFromShape(terms.shape.slice(0, ownAxes));
  const isSpread = repetitions < examples && examples % repetitions === 0;
  const rows = isSpread ? repetitions : examples;
  // Several positions of an example follow one another.
  const split = tf.reshape(terms, [rows, repetitions / rows, ...terms.shape.slice(ownAxes)]);
  const axes = own.flatMap((extent, axis) => (extent === 1 ? [axis + 2] : []));
  return tf.reshape(tf.sum(split, [1, ...axes]), [rows, ...shape]);
}

/**
 * Σ over examples of the squared gradient of an embedding `[vocabulary, dim]`, without a table per example: the square of the sum
 * S of an example's Δ at one row is the sum of Δ ⊙ S over the positions that picked it.
 */
function embeddingSquares(
  uses: readonly { readonly inputs: tf.Tensor }[],
  gradients: readonly tf.Tensor[],
  [vocabulary, dim]: readonly number[],
  examples: number,
): tf.Tensor {
  const indices = tf.concat(
    uses.map(({ inputs }) => tf.reshape(tf.cast(inputs, 'int32'), [examples, -1])),
    1,
  );
  const deltas = tf.concat(
    gradients.map((gradient): tf.Tensor3D => tf.reshape(gradient, [examples, -1, dim!])),
    1,
  );
  const same = tf.cast(tf.equal(tf.expandDims(indices, 1), tf.expandDims(indices, 2)), 'float32');
  const sums = tf.matMul(same, deltas);
  const positions = tf.reshape(tf.mul(deltas, sums), [-1, dim!]);
  return tf.unsortedSegmentSum(positions, tf.reshape<tf.Rank.R1>(indices, [-1]), vocabulary!);
}

/** Depthwise: Σ over positions of the channel's window times its Δ. */
function depthwiseKernels(
  use: Extract<ObservedUse, { kind: 'depthwise' }>,
  gradient: tf.Tensor,
  [height, width, channels, multiplier]: readonly number[],
): tf.Tensor {
  const taps = height! * width!;
  const windows = patches(use.inputs, use.geometry);
  const [examples, positions] = windows.shape;
  // [N, C, taps, T] · [N, C, T, multiplier]
  const left = tf.transpose(tf.reshape(windows, [examples, positions, taps, channels!]), [0, 3, 2, 1]);
  const right = tf.transpose(
    tf.reshape(gradient, [examples, positions, channels!, multiplier!]),
    [0, 2, 1, 3],
  );
  const products = tf.transpose(tf.matMul(left, right), [0, 2, 1, 3]);
  return tf.reshape(products, [examples, height!, width!, channels!, multiplier!]);
}
