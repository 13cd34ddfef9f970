/** The initial learning rate by acceptance ratio: the largest η whose step keeps (J(θ) − Q(η)) / (η ⟨g, d⟩) ≥ 0.9 on the first batch. */
import * as tf from '@tensorflow/tfjs-core';
import { requireNumber } from './errors.js';

export interface CalibrationOptions {
  /** What part of the linear prediction the actual decrease must reach, in (0, 1). Default 0.9. */
  readonly ratio?: number;
  /** Where η is looked for. Default [1e−10, 1e6]. */
  readonly range?: readonly [number, number];
  /** Bisections of log η, one evaluation of Q (forward passes only) each. Default 14: 0.3 % on the default range. */
  readonly evaluations?: number;
  /** By which part of |J| an evaluation of Q may be off, ≥ 0: that much is forgiven. Default 0, for float32; `withRulePrecision` sets it. */
  readonly resolution?: number;
}

/**
 * Bisects log η over the range, on the device, without reading anything back.
 * Below a predicted decrease of 1e−5 |J|, or `resolution` · |J|, the difference J − Q drowns in rounding; such an η counts as short enough.
 * @param loss J(θ).
 * @param slope ⟨g, d⟩ > 0; otherwise `fallback` is returned, since no step length decreases J.
 * @param q Q at exp(log η), for a scalar log η.
 * @param fallback log η to return when there is no slope.
 * @returns log η, a new scalar.
 * @throws ApoError `INVALID_ARGUMENT` for a negative `resolution`.
 */
export function calibrateLogRate(
  loss: tf.Scalar,
  slope: tf.Scalar,
  q: (logRate: tf.Scalar) => tf.Scalar,
  fallback: tf.Scalar,
  { ratio = 0.9, range = [1e-10, 1e6], evaluations = 14, resolution = 0 }: CalibrationOptions = {},
): tf.Scalar {
  requireNumber('calibrate.resolution', resolution, { min: 0 });
  return tf.tidy(() => {
    let low: tf.Scalar = tf.scalar(Math.log(range[0]));
    let width = Math.log(range[1]) - Math.log(range[0]);
    const negligible = tf.mul(tf.abs(loss), Math.max(1e-5, resolution));
    const forgiven = tf.mul(tf.abs(loss), resolution);
    for (let i = 0; i < evaluations; i++) {
      width /= 2;
      const previous = low;
      low = tf.tidy(() => {
        const trial: tf.Scalar = tf.add(previous, width);
        const predicted = tf.mul(tf.exp(trial), slope);
        const actual = tf.sub(loss, q(trial));
        const enough = tf.logicalOr(
          tf.greaterEqual(tf.add(actual, forgiven), tf.mul(predicted, ratio)),
          tf.less(predicted, negligible),
        );
        return tf.where(enough, trial, previous);
      });
      previous.dispose();
    }
    return tf.where(tf.greater(slope, 0), low, fallback);
  });
}
