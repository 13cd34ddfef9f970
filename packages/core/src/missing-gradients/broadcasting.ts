/** The transpose of broadcasting: what spread a tensor over a larger shape in the forward pass sums it again in the backward pass. */
import * as tf from '@tensorflow/tfjs-core';

/** Σ of `upstream` over the axes along which a tensor of `shape` was broadcast; the caller owns the result. */
export function sumToShape(upstream: tf.Tensor, shape: readonly number[]): tf.Tensor {
  // Some engines have no sum of nothing.
  if (upstream.size === 0) return tf.zeros([...shape]);
  const added = upstream.rank - shape.length;
  const axes = upstream.shape.flatMap((extent, axis) =>
    axis < added || (shape[axis - added] === 1 && extent !== 1) ? [axis] : [],
  );
  return tf.reshape(axes.length === 0 ? upstream : tf.sum(upstream, axes), [...shape]);
}
