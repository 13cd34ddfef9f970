/**
 * Which gradients at the outputs the Fisher matrix F = E[Jᵀ H_ρ J] is made of (Eq. 34): those of labels drawn from the model's
 * own distribution, all columns of a square root of H_ρ, or those of the labels at hand.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, createRandom, requireArgument } from '@apo/core';
import type { CaptureOptions, DivergenceName, LayerCapture, LayerUse, Random } from '@apo/core';

export type FisherKind =
  /** Labels drawn from the model: an unbiased estimate of F. */
  | 'sampled'
  /** All columns of a square root of H_ρ: F itself on the batch, at one backward pass per output. */
  | 'exact'
  /** The labels of the batch: not the Fisher, but free. */
  | 'empirical';

/** Where a distribution's probabilities are closer to 0 or 1 they count as this. */
const PROBABILITY_FLOOR = 1e-7;

/** The cotangents to capture, and what one example's outer product weighs in the average. */
export interface FisherSource {
  readonly capture: CaptureOptions;
  /** The gradients at a layer's output, one tensor for each cotangent. */
  gradients(use: Exclude<LayerUse, { kind: 'other' }>): readonly tf.Tensor[];
  /** w in w · Σ over examples and cotangents of δ δᵀ. */
  weight(capture: LayerCapture): number;
}

export interface FisherOptions {
  readonly kind: FisherKind;
  /** The distribution of the outputs, by the name of its divergence; not needed for `empirical`. */
  readonly distribution: DivergenceName | undefined;
  /** Draws per example, for `sampled`. */
  readonly samples: number;
  /** The most outputs per example for `exact`. */
  readonly maxExactOutputs: number;
}

/** One batch's source; `seed` decides the draws. */
export function fisherSource(options: FisherOptions, seed: number): FisherSource {
  const { kind, samples } = options;
  if (kind === 'empirical') {
    return {
      capture: {},
      gradients: (use) => [use.outputGradients],
      // J is a mean over the batch, so the gradient of one example's loss is `examples` times as large.
      weight: ({ examples }) => examples,
    };
  }
  const distribution = options.distribution!;
  const random = createRandom(seed);
  return {
    capture: {
      cotangents: (outputs) => {
        requireArgument(
          outputs.length === 1,
          () =>
            `fisher: '${kind}' takes one output, but predict returned ${outputs.length}; use fisher: 'empirical'.`,
        );
        const output = outputs[0]!;
        const list =
          kind === 'exact'
            ? exactColumns(distribution, output, options.maxExactOutputs)
            : Array.from({ length: samples }, () => sampledGradient(distribution, output, random));
        return list.map((cotangent) => [cotangent]);
      },
    },
    gradients: (use) => use.cotangentGradients,
    weight: ({ examples }) => 1 / (kind === 'exact' ? examples : examples * samples),
  };
}

/** ∂(−log p(label))/∂output for a label drawn from the distribution: its covariance is H_ρ. */
function sampledGradient(distribution: DivergenceName, output: tf.Tensor, random: Random): tf.Tensor {
  return tf.tidy(() => {
    switch (distribution) {
      case 'softmax-kl-logits': {
        const p = tf.softmax(output);
        return tf.sub(p, drawClass(p, random));
      }
      case 'softmax-kl': {
        const p = floored(output);
        return tf.neg(tf.div(drawClass(p, random), p));
      }
      case 'bernoulli-kl-logits': {
        const p = tf.sigmoid(output);
        return tf.sub(p, drawBits(p, random));
      }
      case 'bernoulli-kl': {
        const p = clippedProbability(output);
        return tf.div(tf.sub(p, drawBits(p, random)), tf.mul(p, tf.sub(1, p)));
      }
      case 'squared-error':
        return randomTensor(output.shape, () => random.normal());
    }
  });
}

/** Columns s with Σ s sᵀ = H_ρ for every example. @throws ApoError `UNSUPPORTED` for too many outputs. */
function exactColumns(distribution: DivergenceName, output: tf.Tensor, limit: number): tf.Tensor[] {
  const elements = output.size / output.shape[0];
  if (elements > limit) {
    throw new ApoError(
      'UNSUPPORTED',
      `fisher: 'exact' takes one backward pass per output, and there are ${elements} (maxExactOutputs is ${limit}); use fisher: 'sampled'.`,
    );
  }
  const isClass = distribution === 'softmax-kl-logits' || distribution === 'softmax-kl';
  if (isClass && output.rank !== 2) {
    throw new ApoError(
      'UNSUPPORTED',
      `fisher: 'exact' takes class scores [batch, classes]; the output is [${output.shape.join(', ')}]. Use fisher: 'sampled'.`,
    );
  }
  return tf.tidy(() => {
    const flat = tf.reshape(output, [output.shape[0], elements]);
    const units = tf.unstack(tf.eye(elements)).map((unit) => tf.reshape(unit, [1, elements]));
    const columns = units.map((unit) => {
      switch (distribution) {
        case 'softmax-kl-logits': {
          // √p_c (e_c − p): Σ_c p_c (e_c − p)(e_c − p)ᵀ = diag(p) − p pᵀ.
          const p = tf.softmax(flat);
          const root = tf.sqrt(tf.sum(tf.mul(p, unit), 1, true));
          return tf.mul(root, tf.sub(unit, p));
        }
        case 'softmax-kl':
          return tf.div(tf.mul(unit, tf.onesLike(flat)), tf.sqrt(floored(flat)));
        case 'bernoulli-kl-logits': {
          const p = tf.sigmoid(flat);
          return tf.mul(unit, tf.sqrt(tf.mul(p, tf.sub(1, p))));
        }
        case 'bernoulli-kl': {
          const p = clippedProbability(flat);
          return tf.div(unit, tf.sqrt(tf.mul(p, tf.sub(1, p))));
        }
        case 'squared-error':
          return tf.mul(unit, tf.onesLike(flat));
      }
    });
    return columns.map((column) => tf.reshape(column, output.shape));
  });
}

/** One-hot draws over the last axis, by inverting the cumulative distribution. */
function drawClass(p: tf.Tensor, random: Random): tf.Tensor {
  const classes = p.shape[p.rank - 1]!;
  const rows = p.shape.slice(0, -1);
  const uniform = randomTensor([...rows, 1], () => random.next());
  const below = tf.cast(tf.greater(uniform, tf.cumsum(p, p.rank - 1)), 'int32');
  // Rounding may leave the last cumulative probability below the draw.
  const index = tf.minimum(tf.sum(below, p.rank - 1), classes - 1);
  return tf.cast(tf.oneHot(tf.cast(index, 'int32'), classes), 'float32');
}

function drawBits(p: tf.Tensor, random: Random): tf.Tensor {
  return tf.cast(
    tf.less(
      randomTensor(p.shape, () => random.next()),
      p,
    ),
    'float32',
  );
}

function randomTensor(shape: readonly number[], draw: () => number): tf.Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tf.tensor(Float32Array.from({ length: size }, draw), [...shape]);
}

function floored(p: tf.Tensor): tf.Tensor {
  return tf.maximum(p, PROBABILITY_FLOOR);
}

function clippedProbability(p: tf.Tensor): tf.Tensor {
  return tf.clipByValue(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR);
}
