/** The kernels that `@tensorflow/tfjs-backend-wasm` ships, reachable also while ours stand in their place. Registers nothing. */
import { createStockKernels } from '@apo/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

export const stockKernels = createStockKernels<BackendWasm>('wasm', '@tensorflow/tfjs-backend-wasm');

/** The stock kernel of this name for the backend `wasm`, or `undefined` when tfjs-wasm has none. */
export function stockKernel(kernelName: string): tf.KernelConfig | undefined {
  return stockKernels.find(kernelName);
}
