/**
 * Kernels that tfjs-core has no name for, which the gradients of this package call: one pass where the composition takes
 * several. They run only where our module does.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { nativeFunctions } from '../native/module.js';

/** {a: dy, b: x} ↦ dy·[x > 0]. */
export const RELU_GRADIENT = 'ApoReluGrad';
/** {a: dy, b: y} ↦ dy·y(1 − y). */
export const SIGMOID_GRADIENT = 'ApoSigmoidGrad';
/** {a: dy, b: y} ↦ dy·(1 − y²). */
export const TANH_GRADIENT = 'ApoTanhGrad';
/** {dy, y} ↦ (dy − Σ dy·y)·y along the last axis. */
export const SOFTMAX_GRADIENT = 'ApoSoftmaxGrad';
/** {dy, x, mean} ↦ Σ dy and Σ dy·(x − μ) for each feature. */
export const BATCH_NORM_SUMS = 'ApoBatchNormSums';

/** Whether they can be called with these inputs on the backend in use. */
export function ownKernelsApply(...inputs: readonly tf.TensorInfo[]): boolean {
  return (
    tf.getBackend() === 'wasm' &&
    inputs.every(({ dtype }) => dtype === 'float32') &&
    nativeFunctions(tf.backend() as unknown as BackendWasm) !== undefined
  );
}
