/** The gradient of `squaredDifference(a, b)` = (a − b)²: ±2 (a − b) dy, summed where an operand was broadcast. */
import * as tf from '@tensorflow/tfjs-core';
import { sumToShape } from './broadcasting.js';

export const squaredDifferenceGradient: tf.GradConfig = {
  kernelName: 'SquaredDifference',
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const upstream = tf.mul(dy as tf.Tensor, 2);
    return {
      a: () => sumToShape(tf.mul(upstream, tf.sub(a, b)), a.shape),
      b: () => sumToShape(tf.mul(upstream, tf.sub(b, a)), b.shape),
    };
  },
};
