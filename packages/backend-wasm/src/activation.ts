/** What the fused kernels do to a product: add a bias and apply an activation, each by the kernel that is registered for it. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { release } from './heap.js';

export interface Activation {
  readonly activation: string;
  readonly leakyreluAlpha?: number;
}

/** activation(x + bias), taking over `x`; the caller owns the result. */
export function biasAndActivation(
  backend: BackendWasm,
  x: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  { activation, leakyreluAlpha }: Activation,
  alpha: tf.TensorInfo | undefined,
): tf.TensorInfo {
  const sum = bias === undefined ? x : registered('Add', { a: x, b: bias }, backend);
  if (sum !== x) release(backend, x);
  if (activation === 'linear') return sum;
  const output = activate(backend, sum, activation, leakyreluAlpha ?? 0, alpha);
  release(backend, sum);
  return output;
}

function activate(
  backend: BackendWasm,
  x: tf.TensorInfo,
  activation: string,
  leakyreluAlpha: number,
  alpha: tf.TensorInfo | undefined,
): tf.TensorInfo {
  switch (activation) {
    case 'relu':
      return registered('Relu', { x }, backend);
    case 'relu6':
      return registered('Relu6', { x }, backend);
    case 'elu':
      return registered('Elu', { x }, backend);
    case 'sigmoid':
      return registered('Sigmoid', { x }, backend);
    case 'leakyrelu':
      return registered('LeakyRelu', { x }, backend, { alpha: leakyreluAlpha });
    case 'prelu':
      if (alpha !== undefined) return registered('Prelu', { x, alpha }, backend);
  }
  throw new ApoError(
    'UNSUPPORTED',
    `The fused activation '${activation}' is not known here; apply it as an op of its own.`,
  );
}

/** Runs the kernel that the registry holds under this name, ours or the stock one. */
function registered(
  kernelName: string,
  inputs: tf.NamedTensorInfoMap,
  backend: BackendWasm,
  attrs: tf.NamedAttrMap = {},
): tf.TensorInfo {
  const output = tf.getKernel(kernelName, 'wasm').kernelFunc({ inputs, backend, attrs });
  return Array.isArray(output) ? output[0]! : output;
}
