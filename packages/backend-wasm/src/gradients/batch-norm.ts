/**
 * The gradient of batch normalisation, y = (x − μ)·s·γ + β with s = (σ² + ε)^−½. It differs from that of tfjs-core in
 * reducing before it multiplies, so that only dy·s·γ and dy·(x − μ) are as large as x, and in tiling nothing.
 */
import * as tf from '@tensorflow/tfjs-core';

export const batchNormGradient: tf.GradConfig = {
  kernelName: 'FusedBatchNorm',
  inputsToSave: ['x', 'mean', 'variance', 'scale'],
  gradFunc: (dy, saved, attrs) => {
    // tfjs-core cannot save an input that was not given: without a scale the forward pass has thrown before.
    const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const upstream = dy as tf.Tensor;
    const inverse = tf.rsqrt(tf.add(variance, attrs['varianceEpsilon'] as number));
    const gain = tf.mul(inverse, scale);
    const axes = tf.broadcast_util.getReductionAxes(mean.shape, x.shape);
    const reduce = (t: tf.Tensor): tf.Tensor =>
      tf.reshape(axes.length === 0 ? t : tf.sum(t, axes), mean.shape);
    const offset = reduce(upstream);
    const correlation = reduce(tf.mul(upstream, tf.sub(x, mean)));
    return {
      x: () => tf.mul(upstream, gain),
      mean: () => tf.neg(tf.mul(offset, gain)),
      variance: () => tf.mul(tf.mul(correlation, tf.mul(gain, tf.square(inverse))), -0.5),
      scale: () => tf.mul(correlation, inverse),
      offset: () => tf.clone(offset),
    };
  },
};
