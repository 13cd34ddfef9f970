/** F as a whole matrix `[k, k]`: the A and B of Eq. 9. Its products cost 2 k² for each row or column. */
import * as tf from '@tensorflow/tfjs-core';
import { sum } from './sum.js';
import type { BoundFactor, Factor, LowRankForm, Product } from './factor.js';

/** A matrix of at most this size may be taken for one of low rank: twice the operations, but in one call. */
const LARGEST_LOW_RANK = 64;

/** @param entry Its name in φ. */
export function fullFactor(entry: string, size: number): Factor {
  return {
    label: 'full',
    parameters: size * size,
    flops: (width) => 2 * size * size * width,
    columnGradientFlops: (rows, between) => 2 * (between.flops(size) + 2 * size * size * rows),
    rowGradientFlops: (columns) => 4 * size * size * columns,
    initialPhi: () => ({ [entry]: tf.eye(size) }),
    bind: (phi) => bindFull(entry, phi[entry] as tf.Tensor2D),
    whole: { entry },
    ...(size <= LARGEST_LOW_RANK && { lowRank: asLowRank(entry, size) }),
  };
}

/** F = I + (F − I) Iᵀ, and ∂/∂(F − I) is ∂/∂F. */
function asLowRank(entry: string, size: number): LowRankForm {
  return {
    of(phi) {
      const one = tf.eye(size);
      return { u: tf.sub(phi[entry]!, one), v: one };
    },
    gradient: (u) => ({ [entry]: u! }),
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
