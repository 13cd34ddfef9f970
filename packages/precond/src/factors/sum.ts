/** Σ over the terms of a gradient. */
import * as tf from '@tensorflow/tfjs-core';
import type { GradientTerm } from './factor.js';

export function sum<R extends tf.Rank>(
  terms: readonly GradientTerm[],
  f: (term: GradientTerm) => tf.Tensor<R>,
): tf.Tensor<R> {
  return tf.addN(terms.map(f));
}
