/**
 * The gradient of batch normalisation, y = (x − μ)·s·γ + β with s = (σ² + ε)^−½. It differs from that of tfjs-core in
 * reducing before it multiplies, so that only dy·s·γ and dy·(x − μ) are as large as x, and in tiling nothing. On the engine of
 * this package both reductions are one pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { batchNormSumsApply } from '../kernels/batch-norm-sums.js';
import { BATCH_NORM_SUMS } from '../kernels/own-kernels.js';

export const batchNormGradient: tf.GradConfig = {
  kernelName: 'FusedBatchNorm',
  inputsToSave: ['x', 'mean', 'variance', 'scale'],
  gradFunc: (dy, saved, attrs) => {
    // tfjs-core cannot save an input that was not given: without a scale the forward pass has thrown before.
    const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const upstream = dy as tf.Tensor;
    const inverse = tf.rsqrt(tf.add(variance, attrs['varianceEpsilon'] as number));
    const gain = tf.mul(inverse, scale);
    const [offset, correlation] = featureSums(upstream, x, mean);
    return {
      x: () => tf.mul(upstream, gain),
      mean: () => tf.neg(tf.mul(offset, gain)),
      variance: () => tf.mul(tf.mul(correlation, tf.mul(gain, tf.square(inverse))), -0.5),
      scale: () => tf.mul(correlation, inverse),
      offset: () => tf.clone(offset),
    };
  },
};

/** Σ dy and Σ dy·(x − μ) over the axes along which μ is broadcast. */
function featureSums(dy: tf.Tensor, x: tf.Tensor, mean: tf.Tensor): [tf.Tensor, tf.Tensor] {
  if (batchNormSumsApply({ dy, x, mean })) {
    return tf.engine().runKernel(BATCH_NORM_SUMS, { dy, x, mean }) as unknown as [tf.Tensor, tf.Tensor];
  }
  return [sumTo(dy, mean.shape), sumTo(tf.mul(dy, tf.sub(x, mean)), mean.shape)];
}

/** The gradient of those sums, for second derivatives. */
export const batchNormSumsGradient: tf.GradConfig = {
  kernelName: BATCH_NORM_SUMS,
  inputsToSave: ['dy', 'x', 'mean'],
  gradFunc: (upstream, saved) => {
    const [toSum, toProduct] = upstream as tf.Tensor[] as [tf.Tensor, tf.Tensor];
    const [dy, x, mean] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    return {
      dy: () => tf.add(toSum, tf.mul(tf.sub(x, mean), toProduct)),
      x: () => tf.mul(dy, toProduct),
      mean: () => tf.neg(tf.mul(sumTo(dy, mean.shape), toProduct)),
    };
  },
};

function sumTo(t: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, t.shape);
  return tf.reshape(axes.length === 0 ? t : tf.sum(t, axes), shape);
}
