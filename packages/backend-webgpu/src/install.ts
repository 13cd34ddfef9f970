/** Puts the training kernels into TensorFlow.js's registry for the backend `webgpu`, over the stock ones, and takes them out again. */
import { ApoError } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { chooseDeterministic } from './determinism.js';
import { registerBatchNormGradient, removeBatchNormGradient } from './gradients/batch-norm.js';
import { trainingKernels } from './kernels/index.js';
import { chooseHalfPrecision, requireHalfPrecision } from './product-choice.js';
import { isSoftware } from './software.js';
import { stockKernels } from './stock.js';

export interface KernelOptions {
  /** See `WebgpuBackendOptions`. Default true. */
  readonly deterministic?: boolean;
  /** See `WebgpuBackendOptions`. Default false. */
  readonly halfPrecision?: boolean;
}

let installed = false;

/** Names of kernels that are not registered: plain ops, or the stock kernel, run in their place. `undefined`: by the adapter. */
let dropped: readonly string[] | undefined;

/**
 * A software renderer has no use for these. ApoInnerProduct was measured at 0.5 to 0.6 times the speed of plain ops there: fewer dispatches cost it nothing, and its
 * workgroups wait for one another.
 */
const DROPPED_ON_SOFTWARE: readonly string[] = ['ApoInnerProduct'];

/** Leaves these kernels out from the next `installTrainingKernels` on, or those that lose on the adapter's kind; gives those that were left out before. */
export function dropKernels(names: readonly string[] | undefined): readonly string[] | undefined {
  const before = dropped;
  dropped = names;
  return before;
}

let registered: readonly string[] = [];

/** True between `installTrainingKernels` and `removeTrainingKernels`. */
export function trainingKernelsInstalled(): boolean {
  return installed;
}

/**
 * Registers the training kernels, before or after the backend starts; calling it again only takes over the options
 * and the gradient of batch normalisation.
 * @throws ApoError `BACKEND_UNAVAILABLE` when `@tensorflow/tfjs-backend-webgpu` was not imported, or `UNSUPPORTED` for `halfPrecision` when
 * the running backend's device lacks `shader-f16`; nothing is changed then.
 */
export function installTrainingKernels({
  deterministic = true,
  halfPrecision = false,
}: KernelOptions = {}): void {
  if (!installed && tf.getKernelsForBackend('webgpu').length === 0) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      "The backend 'webgpu' has no kernels to build on; import '@tensorflow/tfjs-backend-webgpu' first, " +
        'or use webgpuBackend().activate(), which does.',
    );
  }
  const backend = tf.engine().registry['webgpu'] as unknown as WebGPUBackend | undefined;
  if (halfPrecision && backend !== undefined) requireHalfPrecision(backend.device);
  chooseDeterministic(deterministic);
  chooseHalfPrecision(halfPrecision);
  // Each time: the last engine that was activated has its own.
  registerBatchNormGradient();
  if (installed) return;
  installed = true;
  const without = dropped ?? (backend !== undefined && isSoftware(backend) ? DROPPED_ON_SOFTWARE : []);
  const list = trainingKernels.filter(({ kernelName }) => !without.includes(kernelName));
  registered = list.map(({ kernelName }) => kernelName);
  for (const { kernelName, kernelFunc } of list) {
    if (stockKernels.remember(kernelName) !== undefined) tf.unregisterKernel(kernelName, 'webgpu');
    tf.registerKernel({ kernelName, backendName: 'webgpu', kernelFunc });
  }
}

/** Puts the stock kernels back; for comparisons. Calling it again changes nothing. */
export function removeTrainingKernels(): void {
  if (!installed) return;
  installed = false;
  removeBatchNormGradient();
  for (const kernelName of registered) {
    const stock = stockKernels.forget(kernelName);
    tf.unregisterKernel(kernelName, 'webgpu');
    if (stock !== undefined) tf.registerKernel(stock);
  }
}
