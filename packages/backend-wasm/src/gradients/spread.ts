/** A tensor repeated along axes where it has one element, with the sum over them as its gradient. */
import * as tf from '@tensorflow/tfjs-core';

/** `t` broadcast to `shape`, of the same rank; the caller owns the result. Differentiable as often as you like. */
export function spread(t: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = shape.flatMap((extent, axis) => (t.shape[axis] === extent ? [] : [axis]));
  const op = tf.customGrad((x) => {
    const value = tf.tile(
      x as tf.Tensor,
      shape.map((extent, axis) => (axes.includes(axis) ? extent : 1)),
    );
    return {
      value,
      gradFunc: (dy: tf.Tensor) => (axes.length === 0 ? tf.clone(dy) : tf.sum(dy, axes, true)),
    };
  });
  return op(t);
}
