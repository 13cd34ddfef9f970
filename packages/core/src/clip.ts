/** Gradient clipping, by element or by the norm over all gradients (Pascanu et al. 2013). Tensor arithmetic only: nothing is read back. */
import * as tf from '@tensorflow/tfjs-core';
import { requireNumber } from './errors.js';
import { innerProduct, mapTensors } from './tensor-map.js';
import type { TensorMap } from './update-rule.js';

/** Clipped gradients under the same names. Returns new tensors, owned by the caller; the given ones stay the caller's too. */
export type GradientClip = (gradients: TensorMap) => TensorMap;

/**
 * Moves every element into [−limit, limit].
 * @throws ApoError `INVALID_ARGUMENT` unless `limit` is finite and > 0.
 */
export function clipByValue(limit: number): GradientClip {
  requireNumber('limit', limit, { min: 0, exclusive: true });
  return (gradients) => tf.tidy(() => mapTensors(gradients, (g) => clamp(g, limit)));
}

/** Elements moved into [−limit, limit], NaN kept (the op of that name makes −limit of it on some engines). A new tensor. */
export function clamp(x: tf.Tensor, limit: number): tf.Tensor {
  return tf.tidy(() => {
    const bound = tf.where(tf.greater(x, 0), tf.scalar(limit), tf.scalar(-limit));
    return tf.where(tf.greater(tf.abs(x), limit), bound, x);
  });
}

/**
 * Multiplies all gradients by min(1, limit / ‖g‖), where ‖g‖ is the norm over every element of every gradient: their
 * direction stays. Gradients that are all zero stay zero. The squares are summed in float32, so a norm above about 1.8e19
 * counts as infinite: finite gradients then become zero and infinite ones NaN.
 * @throws ApoError `INVALID_ARGUMENT` unless `limit` is finite and > 0.
 */
export function clipByGlobalNorm(limit: number): GradientClip {
  requireNumber('limit', limit, { min: 0, exclusive: true });
  return (gradients) =>
    tf.tidy(() => {
      if (Object.keys(gradients).length === 0) return {};
      const norm = tf.sqrt(innerProduct(gradients, gradients));
      // max(norm, limit) ≥ limit > 0, so a zero norm is never divided by.
      const scale = tf.div(limit, tf.maximum(norm, limit));
      return mapTensors(gradients, (g) => tf.mul(g, scale));
    });
}
