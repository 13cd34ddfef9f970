/**
 * How long a preconditioned step is, P = η P_S: no scale of its own (the paper), one log η for the whole run, or one for each
 * block within bounds around the global one.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LOG_LEARNING_RATE } from '@apo/core';
import type { TensorMap } from '@apo/core';

/** `global`: φ has log η `[1]`. `layer`: beside it an offset for each block. `false`: η is 1 and φ has neither. */
export type LearnedScale = 'global' | 'layer' | false;

/** The entry of φ with one unbounded number for each block, zero at the start. */
export const SCALE_OFFSETS = 'scaleOffsets';

/** The most that a block's log η is away from the global one: a factor of 30. Without bounds single layers collapse. */
export const LARGEST_OFFSET = Math.log(30);

/** Entries of φ at the start; the caller owns them. */
export function initialScale(kind: LearnedScale, blocks: number, rate: number): TensorMap {
  if (kind === false) return {};
  return {
    [LOG_LEARNING_RATE]: tf.fill([1], Math.log(rate)),
    ...(kind === 'layer' && { [SCALE_OFFSETS]: tf.zeros([blocks]) }),
  };
}

/** η, `[1]` for the run or `[blocks]` with log η_b = log η + L tanh(o_b / L); `undefined` where there is none. */
export function scaleRates(kind: LearnedScale, phi: TensorMap): tf.Tensor1D | undefined {
  if (kind === false) return undefined;
  const global = phi[LOG_LEARNING_RATE] as tf.Tensor1D;
  if (kind === 'global') return tf.exp(global);
  const bounded = tf.mul(tf.tanh(tf.div(phi[SCALE_OFFSETS]!, LARGEST_OFFSET)), LARGEST_OFFSET);
  const logs: tf.Tensor1D = tf.add(bounded, global);
  return tf.exp(logs);
}

/** ∂Q/∂φ for the entries of the scale, from ∂Q/∂(log η_b) of each block. */
export function scaleGradient(kind: LearnedScale, phi: TensorMap, perBlock: readonly tf.Scalar[]): TensorMap {
  if (kind === false) return {};
  const gradients = tf.stack([...perBlock]);
  const total: tf.Tensor = tf.reshape(tf.sum(gradients), [1]);
  if (kind === 'global') return { [LOG_LEARNING_RATE]: total };
  const slope = tf.sub(1, tf.square(tf.tanh(tf.div(phi[SCALE_OFFSETS]!, LARGEST_OFFSET))));
  return { [LOG_LEARNING_RATE]: total, [SCALE_OFFSETS]: tf.mul(gradients, slope) };
}
