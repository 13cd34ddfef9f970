/**
 * F = I + U Vᵀ with U, V `[k, r]`: a product costs 4 k r for each row or column instead of 2 k², and nothing of size k × k is
 * ever formed, in the gradient neither. U starts at random and V at zero, so that F = I and ∂/∂V does not vanish.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '@apo/core';
import { sum } from './sum.js';
import type { BoundFactor, Factor, Product } from './factor.js';

/** @param entry The entries of φ are `entry.U` ~ N(0, 1/r) and `entry.V` = 0. */
export function lowRankFactor(entry: string, size: number, rank: number): Factor {
  const [u, v] = [`${entry}.U`, `${entry}.V`];
  return {
    label: `rank ${rank}`,
    parameters: 2 * size * rank,
    flops: (width) => 4 * size * rank * width,
    // Each term: Y V, Xᵀ (M Y V) and Yᵀ (Mᵀ X U) are 2 p k r, and M, on r columns, is applied twice.
    columnGradientFlops: (rows, between) => 2 * (6 * rows * size * rank + 2 * between.flops(rank)),
    // Each term: Yᵀ V, X (Yᵀ V) and Y (Uᵀ X)ᵀ are 2 k p r.
    rowGradientFlops: (columns) => 12 * size * rank * columns,
    initialPhi: (random) => ({ [u]: normals(size, rank, random), [v]: tf.zeros([size, rank]) }),
    bind: (phi) => bindLowRank({ u, v }, phi[u] as tf.Tensor2D, phi[v] as tf.Tensor2D),
    lowRank: {
      rank,
      of: (phi) => ({ u: phi[u] as tf.Tensor2D, v: phi[v] as tf.Tensor2D }),
      gradient: (byU, byV) => ({ [u]: byU!, [v]: byV! }),
    },
  };
}

function normals(size: number, rank: number, random: Random): tf.Tensor2D {
  const deviation = 1 / Math.sqrt(rank);
  return tf.tensor2d(
    Float32Array.from({ length: size * rank }, () => deviation * random.normal()),
    [size, rank],
  );
}

function bindLowRank(names: { u: string; v: string }, u: tf.Tensor2D, v: tf.Tensor2D): BoundFactor {
  /** X + (X inner) outerᵀ. */
  const onTheRight = (x: tf.Tensor2D, inner: tf.Tensor2D, outer: tf.Tensor2D): Product => {
    const projection: tf.Tensor2D = tf.matMul(x, inner);
    return { source: x, projection, value: tf.add(x, tf.matMul(projection, outer, false, true)) };
  };
  /** X + outer (innerᵀ X). */
  const onTheLeft = (x: tf.Tensor2D, inner: tf.Tensor2D, outer: tf.Tensor2D): Product => {
    const projection: tf.Tensor2D = tf.matMul(inner, x, true);
    return { source: x, projection, value: tf.add(x, tf.matMul(outer, projection)) };
  };
  return {
    right: (x) => onTheRight(x, u, v),
    rightTransposed: (x) => onTheRight(x, v, u),
    left: (x) => onTheLeft(x, v, u),
    leftTransposed: (x) => onTheLeft(x, u, v),
    // D = Σ Xᵀ M Y gives ∂/∂U = D V and ∂/∂V = Dᵀ U. `right(X)` has computed X U.
    columnGradient: (terms, between) => ({
      [names.u]: sum(terms, (term) =>
        tf.matMul(term.product.source, between.left(tf.matMul(term.with, v)).value, true),
      ),
      [names.v]: sum(terms, (term) =>
        tf.matMul(term.with, between.leftTransposed(term.product.projection!).value, true),
      ),
    }),
    // D = Σ X Yᵀ, and `leftTransposed(X)` has computed Uᵀ X.
    rowGradient: (terms) => ({
      [names.u]: sum(terms, (term) => tf.matMul(term.product.source, tf.matMul(term.with, v, true))),
      [names.v]: sum(terms, (term) => tf.matMul(term.with, term.product.projection!, false, true)),
    }),
  };
}
