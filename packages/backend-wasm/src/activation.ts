/**
 * What the fused kernels do to a product: add a bias and apply an activation. Where both belong to the columns of the product our module
 * does it as it finishes a part of it (`assembly/epilogue.ts`), else the kernels that are registered for them do, with the same bits.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { release, sizeOf } from './heap.js';
import { memoryOf } from './native/module.js';
import { pointerTo } from './native/pointers.js';
import { scratch } from './native/scratch.js';

export interface Activation {
  readonly activation: string;
  readonly leakyreluAlpha?: number;
}

/** As `assembly/epilogue.ts` knows them. */
const CODES = { linear: 0, relu: 1, relu6: 2, leakyrelu: 3, prelu: 4, sigmoid: 5, elu: 6 };

/**
 * The address of an epilogue for our module, until the next one is asked for; 0 where there is nothing to do, `undefined` where the bias, or
 * the slopes of prelu, are not one for each of `columns` channels, or the activation is not known.
 */
export function epilogueOf(
  backend: BackendWasm,
  columns: number,
  bias: tf.TensorInfo | undefined,
  { activation, leakyreluAlpha }: Activation,
  alpha: tf.TensorInfo | undefined,
): number | undefined {
  const code = Object.hasOwn(CODES, activation) ? CODES[activation as keyof typeof CODES] : undefined;
  const fits = (tensor: tf.TensorInfo | undefined): boolean =>
    tensor?.dtype === 'float32' && sizeOf(tensor.shape) === columns && tensor.shape.at(-1) === columns;
  if (code === undefined || (bias !== undefined && !fits(bias))) return undefined;
  const slopes = activation === 'prelu' ? alpha : undefined;
  if (activation === 'prelu' && !fits(slopes)) return undefined;
  if (code === 0 && bias === undefined) return 0;
  const address = scratch(backend, 'epilogue', 16);
  const words = new DataView(memoryOf(backend).buffer, address, 16);
  words.setUint32(0, bias === undefined ? 0 : pointerTo(backend, bias), true);
  words.setUint32(4, code, true);
  words.setFloat32(8, leakyreluAlpha ?? 0, true);
  words.setUint32(12, slopes === undefined ? 0 : pointerTo(backend, slopes), true);
  return address;
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
