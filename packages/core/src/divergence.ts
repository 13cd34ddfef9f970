/** ρ: output-space divergences from the old prediction to the new one, averaged over the batch (Sec. 3.1). Its Hessian at equality is the output-space metric of Eq. 34. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from './errors.js';

/** Mean over the batch of ρ(next, previous); both `[batch, …]`. Returns a new scalar. */
export type Divergence = (next: tf.Tensor, previous: tf.Tensor) => tf.Scalar;

export type DivergenceName =
  /** KL(softmax(previous) ‖ softmax(next)) from logits on the last axis, summed over the axes between. */
  | 'softmax-kl-logits'
  /** The same from probabilities. */
  | 'softmax-kl'
  /** Element-wise Bernoulli KL from logits, summed over all axes but the first. */
  | 'bernoulli-kl-logits'
  /** The same from probabilities. */
  | 'bernoulli-kl'
  /** ½ ‖next − previous‖² per example. */
  | 'squared-error';

/** Probabilities closer to 0 or 1 than this are clipped before a logarithm is taken. */
const PROBABILITY_FLOOR = 1e-7;

/** Sum over every axis, divided by the batch size. */
function batchMean(elements: tf.Tensor): tf.Scalar {
  return tf.div(tf.sum(elements), elements.shape[0]);
}

function logSigmoid(x: tf.Tensor): tf.Tensor {
  return tf.neg(tf.softplus(tf.neg(x)));
}

const divergences: Record<DivergenceName, Divergence> = {
  'softmax-kl-logits': (next, previous) =>
    tf.tidy(() => {
      const logPrevious = tf.logSoftmax(previous);
      return batchMean(tf.mul(tf.exp(logPrevious), tf.sub(logPrevious, tf.logSoftmax(next))));
    }),
  'softmax-kl': (next, previous) =>
    tf.tidy(() => {
      const logOf = (p: tf.Tensor): tf.Tensor => tf.log(tf.maximum(p, PROBABILITY_FLOOR));
      return batchMean(tf.mul(previous, tf.sub(logOf(previous), logOf(next))));
    }),
  'bernoulli-kl-logits': (next, previous) =>
    tf.tidy(() => {
      const on = tf.mul(tf.sigmoid(previous), tf.sub(logSigmoid(previous), logSigmoid(next)));
      const minus = tf.neg(previous);
      const off = tf.mul(tf.sigmoid(minus), tf.sub(logSigmoid(minus), logSigmoid(tf.neg(next))));
      return batchMean(tf.add(on, off));
    }),
  'bernoulli-kl': (next, previous) =>
    tf.tidy(() => {
      // p − p is 0, or NaN where p is: clipping alone hides NaN on some engines.
      const clip = (p: tf.Tensor): tf.Tensor =>
        tf.add(tf.clipByValue(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR), tf.sub(p, p));
      const p = clip(previous);
      const q = clip(next);
      const on = tf.mul(p, tf.sub(tf.log(p), tf.log(q)));
      const [notP, notQ] = [tf.sub(1, p), tf.sub(1, q)];
      return batchMean(tf.add(on, tf.mul(notP, tf.sub(tf.log(notP), tf.log(notQ)))));
    }),
  'squared-error': (next, previous) =>
    tf.tidy(() => {
      const difference = tf.sub(next, previous);
      return tf.mul(batchMean(tf.mul(difference, difference)), 0.5);
    }),
};

/** All names, for messages and command lines. */
export const divergenceNames = Object.keys(divergences) as readonly DivergenceName[];

/** The divergence called `name`. @throws ApoError `INVALID_ARGUMENT` for an unknown name. */
export function divergence(name: DivergenceName): Divergence {
  const found = (divergences as Partial<Record<string, Divergence>>)[name];
  if (found === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `Unknown divergence "${name}"; expected one of ${divergenceNames.join(', ')}, or a function of (next, previous).`,
    );
  }
  return found;
}
