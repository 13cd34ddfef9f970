/** Gradients of `maximum(a, b)` and `minimum(a, b)`: dy to the operand that was taken, to a in a tie, summed where one was broadcast. */
import * as tf from '@tensorflow/tfjs-core';
import { sumToShape } from './broadcasting.js';

type Comparison = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

export const maximumGradient = extremumGradient('Maximum', tf.greaterEqual, tf.less);
export const minimumGradient = extremumGradient('Minimum', tf.lessEqual, tf.greater);

function extremumGradient(kernelName: string, takesA: Comparison, takesB: Comparison): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const upstream = dy as tf.Tensor;
      const share = (taken: tf.Tensor, shape: number[]): tf.Tensor =>
        sumToShape(tf.mul(upstream, tf.cast(taken, 'float32')), shape);
      return { a: () => share(takesA(a, b), a.shape), b: () => share(takesB(a, b), b.shape) };
    },
  };
}
