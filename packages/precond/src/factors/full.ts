/** F as a whole matrix `[k, k]`: the A and B of Eq. 9. Its products cost 2 k² for each row or column. */
import * as tf from '@tensorflow/tfjs-core';
import { sum } from './sum.js';
import type { BoundFactor, Factor, Product } from './factor.js';

/** @param entry Its name in φ. */
export function fullFactor(entry: string, size: number): Factor {
  return {
    label: 'full',
    parameters: size * size,
    flops: (width) => 2 * size * size * width,
    initialPhi: () => ({ [entry]: tf.eye(size) }),
    bind: (phi) => bindFull(entry, phi[entry] as tf.Tensor2D),
  };
}

function bindFull(entry: string, f: tf.Tensor2D): BoundFactor {
  const product = (source: tf.Tensor2D, value: tf.Tensor2D): Product => ({ source, value });
  return {
    right: (x) => product(x, tf.matMul(x, f)),
    rightTransposed: (x) => product(x, tf.matMul(x, f, false, true)),
    left: (x) => product(x, tf.matMul(f, x)),
    leftTransposed: (x) => product(x, tf.matMul(f, x, true)),
    columnGradient: (terms, between) => ({
      [entry]: sum(terms, (term) => tf.matMul(term.product.source, between.left(term.with).value, true)),
    }),
    rowGradient: (terms) => ({
      [entry]: sum(terms, (term) => tf.matMul(term.product.source, term.with, false, true)),
    }),
  };
}
