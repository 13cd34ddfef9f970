/**
 * Gradients of relu, sigmoid, tanh and softmax. They are those of tfjs-core, in one pass over the data on the engine of this
 * package instead of three to five; elsewhere they are composed of ops.
 */
import * as tf from '@tensorflow/tfjs-core';
import {
  ownKernelsApply,
  RELU_GRADIENT,
  SIGMOID_GRADIENT,
  SOFTMAX_GRADIENT,
  TANH_GRADIENT,
} from '../kernels/own-kernels.js';

function run(kernelName: string, inputs: tf.NamedTensorMap): tf.Tensor {
  return tf.engine().runKernel(kernelName, inputs);
}

/** dy·[x > 0]. */
function relu(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  if (ownKernelsApply(dy, x)) return run(RELU_GRADIENT, { a: dy, b: x });
  return tf.mul(dy, tf.cast(tf.step(x), 'float32'));
}

/** dy·y(1 − y). */
function sigmoid(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  if (ownKernelsApply(dy, y)) return run(SIGMOID_GRADIENT, { a: dy, b: y });
  return tf.mul(dy, tf.mul(y, tf.sub(1, y)));
}

/** dy·(1 − y²). */
function tanh(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  if (ownKernelsApply(dy, y)) return run(TANH_GRADIENT, { a: dy, b: y });
  return tf.mul(dy, tf.sub(1, tf.square(y)));
}

/** (dy − Σ dy·y)·y along `axis`. */
function softmax(dy: tf.Tensor, y: tf.Tensor, axis: number): tf.Tensor {
  if (axis === y.rank - 1 && ownKernelsApply(dy, y)) return run(SOFTMAX_GRADIENT, { dy, y });
  return tf.mul(tf.sub(dy, tf.sum(tf.mul(dy, y), axis, true)), y);
}

export const reluGradient: tf.GradConfig = {
  kernelName: 'Relu',
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => ({ x: () => relu(dy as tf.Tensor, saved[0]!) }),
};

export const sigmoidGradient: tf.GradConfig = {
  kernelName: 'Sigmoid',
  outputsToSave: [true],
  gradFunc: (dy, saved) => ({ x: () => sigmoid(dy as tf.Tensor, saved[0]!) }),
};

export const tanhGradient: tf.GradConfig = {
  kernelName: 'Tanh',
  outputsToSave: [true],
  gradFunc: (dy, saved) => ({ x: () => tanh(dy as tf.Tensor, saved[0]!) }),
};

export const softmaxGradient: tf.GradConfig = {
  kernelName: 'Softmax',
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => ({
    logits: () => softmax(dy as tf.Tensor, saved[0]!, attrs['dim'] as number),
  }),
};

/** The gradients of the kernels above, for second derivatives; `u` is the gradient that arrives at their output. */
export const activationSecondGradients: readonly tf.GradConfig[] = [
  {
    kernelName: RELU_GRADIENT,
    inputsToSave: ['b'],
    gradFunc: (u, saved) => ({
      a: () => relu(u as tf.Tensor, saved[0]!),
      b: () => tf.zerosLike(saved[0]!),
    }),
  },
  {
    kernelName: SIGMOID_GRADIENT,
    inputsToSave: ['a', 'b'],
    gradFunc: (u, saved) => {
      const [dy, y] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => sigmoid(u as tf.Tensor, y),
        b: () => tf.mul(tf.mul(u as tf.Tensor, dy), tf.sub(1, tf.mul(y, 2))),
      };
    },
  },
  {
    kernelName: TANH_GRADIENT,
    inputsToSave: ['a', 'b'],
    gradFunc: (u, saved) => {
      const [dy, y] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => tanh(u as tf.Tensor, y),
        b: () => tf.mul(tf.mul(tf.mul(u as tf.Tensor, dy), y), -2),
      };
    },
  },
  {
    kernelName: SOFTMAX_GRADIENT,
    inputsToSave: ['dy', 'y'],
    gradFunc: (u, saved) => {
      const [dy, y] = saved as [tf.Tensor, tf.Tensor];
      const upstream = u as tf.Tensor;
      const mean = (t: tf.Tensor): tf.Tensor => tf.sum(tf.mul(t, y), -1, true);
      return {
        dy: () => softmax(upstream, y, y.rank - 1),
        y: () => tf.sub(tf.mul(upstream, tf.sub(dy, mean(dy))), tf.mul(dy, mean(upstream))),
      };
    },
  },
];
