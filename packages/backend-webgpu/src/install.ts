/** Puts the training kernels into TensorFlow.js's registry for the backend `webgpu`, over the stock ones, and takes them out again. */
import { ApoError } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { chooseDeterministic } from './determinism.js';
import { trainingKernels } from './kernels/index.js';
import { stockKernels } from './stock.js';

export interface KernelOptions {
  /** See `WebgpuBackendOptions`. Default true. */
  readonly deterministic?: boolean;
}

let installed = false;

/** True between `installTrainingKernels` and `removeTrainingKernels`. */
export function trainingKernelsInstalled(): boolean {
  return installed;
}

/**
 * Registers the training kernels, before or after the backend starts; calling it again only takes over the options.
 * @throws ApoError `BACKEND_UNAVAILABLE` when `@tensorflow/tfjs-backend-webgpu` was not imported; nothing is changed then.
 */
export function installTrainingKernels({ deterministic = true }: KernelOptions = {}): void {
  if (!installed && tf.getKernelsForBackend('webgpu').length === 0) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      "The backend 'webgpu' has no kernels to build on; import '@tensorflow/tfjs-backend-webgpu' first, " +
        'or use webgpuBackend().activate(), which does.',
    );
  }
  chooseDeterministic(deterministic);
  if (installed) return;
  installed = true;
  for (const { kernelName, kernelFunc } of trainingKernels) {
    if (stockKernels.remember(kernelName) !== undefined) tf.unregisterKernel(kernelName, 'webgpu');
    tf.registerKernel({ kernelName, backendName: 'webgpu', kernelFunc });
  }
}

/** Puts the stock kernels back; for comparisons. Calling it again changes nothing. */
export function removeTrainingKernels(): void {
  if (!installed) return;
  installed = false;
  for (const { kernelName } of trainingKernels) {
    const stock = stockKernels.forget(kernelName);
    tf.unregisterKernel(kernelName, 'webgpu');
    if (stock !== undefined) tf.registerKernel(stock);
  }
}
