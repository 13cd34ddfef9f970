/** The KL clip of KFAC (Ba, Grosse & Martens 2017, Sec. 5): a step of length η along U may change the outputs by no more than κ. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * ν = min(1, √(κ / (η² ⟨U, g⟩))), the factor on U; ⟨U, g⟩ ≥ 0 is about twice the KL divergence of a unit step. A new scalar; run
 * inside `tf.tidy`.
 */
export function klShortening(product: tf.Tensor, learningRate: number, klClip: number): tf.Tensor {
  if (learningRate === 0) return tf.scalar(1);
  // The floor keeps rounding around zero from dividing by zero.
  return tf.minimum(1, tf.sqrt(tf.div(klClip / (learningRate * learningRate), tf.maximum(product, 1e-30))));
}
