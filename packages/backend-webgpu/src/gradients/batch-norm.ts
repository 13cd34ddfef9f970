/**
 * The gradient of batch normalisation in the place of tfjs-core's, which tiles the statistics to the size of x. On the backend `webgpu` it is one kernel, or ops
 * that tile nothing where a tape records it; elsewhere the gradient that was there before.
 */
import * as tf from '@tensorflow/tfjs-core';
import { BATCH_NORM_GRADIENT } from '../kernels/apo-batch-norm-gradient.js';

type Five = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
const INPUTS = ['x', 'mean', 'variance', 'scale'];

let previous: tf.GradConfig | undefined;

const batchNormGradient: tf.GradConfig = {
  kernelName: tf.FusedBatchNorm,
  inputsToSave: INPUTS,
  gradFunc(dy, saved, attrs) {
    if (tf.getBackend() !== 'webgpu' && previous?.inputsToSave?.join() === INPUTS.join())
      return previous.gradFunc(dy, saved, attrs);
    const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const inputs = { dy: dy as tf.Tensor, x, mean, variance, scale };
    const epsilon = attrs['varianceEpsilon'] as number;
    return applies(inputs) ? byKernel(inputs, epsilon) : byOps(inputs, epsilon);
  },
};

interface Inputs extends tf.NamedTensorMap {
  dy: tf.Tensor;
  x: tf.Tensor;
  mean: tf.Tensor;
  variance: tf.Tensor;
  scale: tf.Tensor;
}

function applies(inputs: Inputs): boolean {
  const { x, mean, variance, scale } = inputs;
  const registered = tf.getKernel(BATCH_NORM_GRADIENT, tf.getBackend()) as tf.KernelConfig | undefined;
  return (
    registered !== undefined &&
    !tf.engine().isTapeOn() &&
    x.size > 0 &&
    [mean, variance, scale].every(({ shape }) => shape.length === 1 && shape[0] === x.shape.at(-1)) &&
    Object.values(inputs).every(({ dtype }) => dtype === 'float32')
  );
}

function byKernel(inputs: Inputs, varianceEpsilon: number): ReturnType<tf.GradFunc> {
  // Each of the functions below runs in a tidy of its own, which would dispose what the others need.
  const outputs = tf.engine().runKernel(BATCH_NORM_GRADIENT, inputs, { varianceEpsilon });
  const [x, mean, variance, scale, offset] = outputs as unknown as Five;
  return { x: () => x, mean: () => mean, variance: () => variance, scale: () => scale, offset: () => offset };
}

/** Reduced before they are multiplied, so that only dy·s·γ and dy·(x − μ) are as large as x. */
function byOps({ dy, x, mean, variance, scale }: Inputs, epsilon: number): ReturnType<tf.GradFunc> {
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const gain = tf.mul(inverse, scale);
  const offset = sumTo(dy, mean.shape);
  const correlation = sumTo(tf.mul(dy, tf.sub(x, mean)), mean.shape);
  return {
    x: () => tf.mul(dy, gain),
    mean: () => tf.neg(tf.mul(offset, gain)),
    variance: () => tf.mul(tf.mul(correlation, tf.mul(gain, tf.square(inverse))), -0.5),
    scale: () => tf.mul(correlation, inverse),
    offset: () => tf.clone(offset),
  };
}

/** TensorFlow.js's sums on WebGPU take no empty tensor. */
function sumTo(tensor: tf.Tensor, shape: number[]): tf.Tensor {
  if (tensor.size === 0) return tf.zeros(shape);
  const axes = tf.broadcast_util.getReductionAxes(shape, tensor.shape);
  return tf.reshape(axes.length === 0 ? tensor : tf.sum(tensor, axes), shape);
}

/** Puts it in the place of the one that is registered, unless it is there already. */
export function registerBatchNormGradient(): void {
  const registered = lookUp();
  if (registered === batchNormGradient) return;
  previous = registered;
  tf.registerGradient(batchNormGradient);
}

/** Puts back what was there, unless something else has taken its place since. */
export function removeBatchNormGradient(): void {
  if (lookUp() !== batchNormGradient) return;
  tf.unregisterGradient(tf.FusedBatchNorm);
  if (previous !== undefined) tf.registerGradient(previous);
  previous = undefined;
}

/** `tf.getGradient` is typed as if it always found one. */
function lookUp(): tf.GradConfig | undefined {
  return tf.getGradient(tf.FusedBatchNorm);
}
