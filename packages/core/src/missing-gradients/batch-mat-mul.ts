/**
 * The gradient of `matMul`, C = op(A)·op(B) over batches: dop(A) = dC·op(B)ᵀ and dop(B) = op(A)ᵀ·dC, summed over the batch
 * axes along which an operand was broadcast.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sumToShape } from './broadcasting.js';

export const batchMatMulGradient: tf.GradConfig = {
  kernelName: 'BatchMatMul',
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved, attrs) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const upstream = dy as tf.Tensor;
    const transposeA = attrs['transposeA'] === true;
    const transposeB = attrs['transposeB'] === true;
    // dA = dC·op(B)ᵀ; where A enters transposed, the transpose of that: op(B)·dCᵀ.
    const dA = (): tf.Tensor =>
      transposeA ? tf.matMul(b, upstream, transposeB, true) : tf.matMul(upstream, b, false, !transposeB);
    const dB = (): tf.Tensor =>
      transposeB ? tf.matMul(upstream, a, true, transposeA) : tf.matMul(a, upstream, !transposeA, false);
    return { a: () => sumToShape(dA(), a.shape), b: () => sumToShape(dB(), b.shape) };
  },
};
