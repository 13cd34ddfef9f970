/** A Kronecker-factored preconditioner (Eq. 9–10) by plain ops, of low rank or of whole matrices: what its kernels are measured against. */
import type { TensorMap } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';

/** X F, X Fᵀ, F X and Fᵀ X for one factor F = I + U Vᵀ or F. */
interface Factor {
  right(x: tf.Tensor2D): tf.Tensor2D;
  rightTransposed(x: tf.Tensor2D): tf.Tensor2D;
  left(x: tf.Tensor2D): tf.Tensor2D;
  leftTransposed(x: tf.Tensor2D): tf.Tensor2D;
  /** From D: D itself, or D V and Dᵀ U, of D = Σ Xᵀ Y or D = Σ X Yᵀ without forming it. */
  derivatives(
    terms: readonly (readonly [x: tf.Tensor2D, y: tf.Tensor2D])[],
    xIsTransposed: boolean,
  ): tf.Tensor[];
}

const sum = (tensors: readonly tf.Tensor[]): tf.Tensor => tensors.reduce((a, b) => tf.add(a, b));

function whole(f: tf.Tensor2D): Factor {
  return {
    right: (x) => tf.matMul(x, f),
    rightTransposed: (x) => tf.matMul(x, f, false, true),
    left: (x) => tf.matMul(f, x),
    leftTransposed: (x) => tf.matMul(f, x, true),
    derivatives: (terms, xIsTransposed) => [
      sum(terms.map(([x, y]) => tf.matMul(x, y, xIsTransposed, !xIsTransposed))),
    ],
  };
}

function lowRank(u: tf.Tensor2D, v: tf.Tensor2D): Factor {
  const onTheRight = (x: tf.Tensor2D, inner: tf.Tensor2D, outer: tf.Tensor2D): tf.Tensor2D =>
    tf.add(x, tf.matMul(tf.matMul(x, inner), outer, false, true));
  const onTheLeft = (x: tf.Tensor2D, inner: tf.Tensor2D, outer: tf.Tensor2D): tf.Tensor2D =>
    tf.add(x, tf.matMul(outer, tf.matMul(inner, x, true)));
  return {
    right: (x) => onTheRight(x, u, v),
    rightTransposed: (x) => onTheRight(x, v, u),
    left: (x) => onTheLeft(x, v, u),
    leftTransposed: (x) => onTheLeft(x, u, v),
    derivatives: (terms, xIsTransposed) => [
      sum(terms.map(([x, y]) => tf.matMul(x, tf.matMul(y, v, !xIsTransposed), xIsTransposed))),
      sum(terms.map(([x, y]) => tf.matMul(y, tf.matMul(x, u, !xIsTransposed), xIsTransposed))),
    ],
  };
}

/** The named factors of a block: `columns` and `rows`, or `columnU`, `columnV`, `rowU` and `rowV`. */
function factorsOf(single: Readonly<Record<string, tf.Tensor>>): {
  a: Factor;
  b: Factor;
  squared: tf.Tensor;
} {
  const get = (name: string): tf.Tensor2D => single[name] as tf.Tensor2D;
  const squared = tf.square(get('scale'));
  return 'columns' in single
    ? { a: whole(get('columns')), b: whole(get('rows')), squared }
    : { a: lowRank(get('columnU'), get('columnV')), b: lowRank(get('rowU'), get('rowV')), squared };
}

function matrixOf({ matrix, lastRow }: TensorMap): tf.Tensor2D {
  return tf.concat([matrix as tf.Tensor2D, tf.expandDims<tf.Tensor2D>(lastRow!, 0)], 0);
}

/** θ − η P g as matrix and last row. */
export function plainStep(
  single: Readonly<Record<string, tf.Tensor>>,
  gradient: TensorMap,
  variable: TensorMap,
): tf.Tensor[] {
  const { a, b, squared } = factorsOf(single);
  const t: tf.Tensor2D = tf.mul(squared, b.leftTransposed(a.right(matrixOf(gradient))));
  const u = a.rightTransposed(b.left(t));
  const [height, n] = variable['matrix']!.shape as [number, number];
  const parts = [tf.slice(u, [0, 0], [height, n]), tf.reshape(tf.slice(u, [height, 0], [1, n]), [n])];
  return [variable['matrix']!, variable['lastRow']!].map((theta, i) =>
    tf.sub(theta, tf.mul(parts[i]!, single['rates']!)),
  );
}

/** ∂/∂φ of −η ⟨v, P g⟩ and that itself, in the kernel's order. */
export function plainDerivatives(
  single: Readonly<Record<string, tf.Tensor>>,
  gradient: TensorMap,
  cotangent: TensorMap,
): tf.Tensor[] {
  const { a, b, squared } = factorsOf(single);
  const g = matrixOf(gradient);
  const w: tf.Tensor2D = tf.mul(matrixOf(cotangent), tf.neg(single['rates']!));
  const [gA, wA] = [a.right(g), a.right(w)];
  const [r, q] = [b.leftTransposed(gA), b.leftTransposed(wA)];
  const [t, n]: [tf.Tensor2D, tf.Tensor2D] = [tf.mul(squared, r), tf.mul(squared, q)];
  const byColumns = a.derivatives(
    [
      [w, b.left(t)],
      [g, b.left(n)],
    ],
    true,
  );
  const byRows = b.derivatives(
    [
      [wA, t],
      [gA, n],
    ],
    false,
  );
  const byScale = tf.mul(tf.mul(single['scale']!, 2), tf.mul(r, q));
  return [byScale, ...byColumns, ...byRows, tf.sum(tf.mul(t, q))];
}
