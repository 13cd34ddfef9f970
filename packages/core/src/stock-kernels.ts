/**
 * The kernels that an engine of TensorFlow.js ships, reachable also while a package's own stand in their place in the kernel
 * registry. It registers nothing: who replaces a kernel says so before and after.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from './errors.js';

/** See `createStockKernels`. `Backend` is the engine's own type, which its kernels expect. */
export interface StockKernels<Backend> {
  /** The stock kernel of this name, or `undefined` when the engine has none. */
  find(kernelName: string): tf.KernelConfig | undefined;
  /** Remembers what the registry holds under this name and returns it; called once, right before another is registered. */
  remember(kernelName: string): tf.KernelConfig | undefined;
  /** Forgets it and returns it; called once, right before the stock kernel is put back. */
  forget(kernelName: string): tf.KernelConfig | undefined;
  /**
   * Runs a stock kernel that returns one tensor; the caller owns the result and disposes it through the backend.
   * @throws ApoError `UNSUPPORTED` when the engine has no kernel of this name, or one with several results.
   */
  run(
    kernelName: string,
    inputs: Readonly<Record<string, tf.TensorInfo>>,
    backend: Backend,
    attrs?: Readonly<Record<string, unknown>>,
  ): tf.TensorInfo;
}

/**
 * The stock kernels of the engine registered as `backendName`, `'wasm'` for example; `packageName`, the package that brings
 * them, is for the error message.
 */
export function createStockKernels<Backend extends object>(
  backendName: string,
  packageName: string,
): StockKernels<Backend> {
  /** What stood in the registry before: `undefined` for a kernel that the engine lacks. */
  const replaced = new Map<string, tf.KernelConfig | undefined>();
  // `tf.getKernel` is typed as if it always found one.
  const lookUp = (kernelName: string): tf.KernelConfig | undefined => tf.getKernel(kernelName, backendName);
  const find = (kernelName: string): tf.KernelConfig | undefined =>
    replaced.has(kernelName) ? replaced.get(kernelName) : lookUp(kernelName);
  return {
    find,
    remember: (kernelName) => {
      const stock = lookUp(kernelName);
      replaced.set(kernelName, stock);
      return stock;
    },
    forget: (kernelName) => {
      const stock = replaced.get(kernelName);
      replaced.delete(kernelName);
      return stock;
    },
    run: (kernelName, inputs, backend, attrs = {}) => {
      const kernel = find(kernelName);
      if (kernel === undefined) {
        throw new ApoError(
          'UNSUPPORTED',
          `The backend '${backendName}' has no kernel '${kernelName}'; import ${packageName} 4.22 before using it.`,
        );
      }
      const output = kernel.kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap });
      if (!Array.isArray(output)) return output;
      throw new ApoError('UNSUPPORTED', `The kernel '${kernelName}' returns several tensors; expected one.`);
    },
  };
}
