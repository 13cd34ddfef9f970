/** The kernels that `@tensorflow/tfjs-backend-webgpu` ships, reachable also while ours stand in their place. Registers nothing. */
import { createStockKernels } from '@apo/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

export const stockKernels = createStockKernels<WebGPUBackend>('webgpu', '@tensorflow/tfjs-backend-webgpu');

/** The stock kernel of this name for the backend `webgpu`, or `undefined` when tfjs-webgpu has none. */
export function stockKernel(kernelName: string): tf.KernelConfig | undefined {
  return stockKernels.find(kernelName);
}
