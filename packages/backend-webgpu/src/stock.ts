/** The kernels that `@tensorflow/tfjs-backend-webgpu` ships, reachable also while ours stand in their place. Registers nothing. */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { ApoError } from '@apo/core';

/** What stood in the registry before ours: `undefined` for a kernel that tfjs-webgpu lacks. */
const replaced = new Map<string, tf.KernelConfig | undefined>();

/** The stock kernel of this name for the backend `webgpu`, or `undefined` when tfjs-webgpu has none. */
export function stockKernel(kernelName: string): tf.KernelConfig | undefined {
  return replaced.has(kernelName) ? replaced.get(kernelName) : lookUp(kernelName);
}

/** Remembers what the registry holds under this name; called once, right before ours is registered. */
export function rememberStockKernel(kernelName: string): tf.KernelConfig | undefined {
  const stock = lookUp(kernelName);
  replaced.set(kernelName, stock);
  return stock;
}

/** Forgets it and returns it; called once, right before the stock kernel is put back. */
export function forgetStockKernel(kernelName: string): tf.KernelConfig | undefined {
  const stock = replaced.get(kernelName);
  replaced.delete(kernelName);
  return stock;
}

/**
 * Runs a stock kernel that returns one tensor; the caller owns the result and disposes it through the backend.
 * @throws ApoError `UNSUPPORTED` when tfjs-webgpu has no kernel of this name.
 */
export function runStock(
  kernelName: string,
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  backend: WebGPUBackend,
  attrs: Readonly<Record<string, unknown>> = {},
): tf.TensorInfo {
  const kernel = stockKernel(kernelName);
  if (kernel === undefined) {
    throw new ApoError(
      'UNSUPPORTED',
      `The WebGPU backend has no kernel '${kernelName}'; import @tensorflow/tfjs-backend-webgpu 4.22 before using it.`,
    );
  }
  const output = kernel.kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap });
  if (!Array.isArray(output)) return output;
  throw new ApoError('UNSUPPORTED', `The kernel '${kernelName}' returns several tensors; expected one.`);
}

/** `tf.getKernel` is typed as if it always found one. */
function lookUp(kernelName: string): tf.KernelConfig | undefined {
  return tf.getKernel(kernelName, 'webgpu');
}
