/** Puts the training kernels and gradients into TensorFlow.js's registries, and takes them out again. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { trainingGradients } from './gradients/index.js';
import { fusedUpdates, trainingKernels } from './kernels/index.js';
import { guardMemory, releaseMemoryGuard } from './native/memory-limit.js';
import { releaseScratch } from './native/scratch.js';
import { recordAllocations } from './native/undo.js';
import { stockKernels } from './stock.js';

const stockGradients = new Map<string, tf.GradConfig | undefined>();
let installed = false;

/** True between `installTrainingKernels` and `removeTrainingKernels`. */
export function trainingKernelsInstalled(): boolean {
  return installed;
}

/**
 * Registers the training kernels for the backend `wasm`, before or after that backend starts; calling it again changes
 * nothing. Tensors that exist stay valid.
 * @throws ApoError `BACKEND_UNAVAILABLE` when `@tensorflow/tfjs-backend-wasm` was not imported; nothing is changed then.
 */
export function installTrainingKernels(): void {
  if (installed) return;
  if (tf.getKernelsForBackend('wasm').length === 0) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      "The backend 'wasm' has no kernels to build on; import '@tensorflow/tfjs-backend-wasm' first, " +
        'or use wasmBackend().activate(), which does.',
    );
  }
  installed = true;
  for (const { kernelName, kernelFunc } of trainingKernels) {
    const stock = stockKernels.remember(kernelName);
    if (stock !== undefined) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc,
      setupFunc: (backend) => {
        // The stock set-up binds the functions of the WASM module; ours call the stock kernel, so it must still run.
        stock?.setupFunc?.(backend);
        watch(backend as unknown as BackendWasm);
      },
      ...(stock?.disposeFunc === undefined ? {} : { disposeFunc: stock.disposeFunc }),
    });
  }
  for (const gradient of trainingGradients) {
    const stock = tf.getGradient(gradient.kernelName) as tf.GradConfig | undefined;
    stockGradients.set(gradient.kernelName, stock);
    tf.registerGradient(gradient);
  }
  const backend = runningBackend();
  if (backend !== undefined) watch(backend);
}

/** Puts the stock kernels and gradients back; for comparisons. Calling it again changes nothing. */
export function removeTrainingKernels(): void {
  if (!installed) return;
  installed = false;
  for (const { kernelName } of trainingKernels) {
    const stock = stockKernels.forget(kernelName);
    if (isRegistered(kernelName)) tf.unregisterKernel(kernelName, 'wasm');
    if (stock !== undefined) tf.registerKernel(stock);
  }
  for (const { kernelName } of trainingGradients) {
    const stock = stockGradients.get(kernelName);
    tf.unregisterGradient(kernelName);
    if (stock !== undefined) tf.registerGradient(stock);
  }
  stockGradients.clear();
  releaseScratch();
  const backend = runningBackend();
  if (backend !== undefined) releaseMemoryGuard(backend);
}

function watch(backend: BackendWasm): void {
  guardMemory(backend);
  recordAllocations(backend);
}

/** The backend `wasm`, if it has started. */
function runningBackend(): BackendWasm | undefined {
  return tf.engine().registry['wasm'] as BackendWasm | undefined;
}

/** Registers the fused updates, or takes them out: without our module they are loops, and plain operators are faster. */
export function offerFusedUpdates(offered: boolean): void {
  for (const { kernelName, kernelFunc } of fusedUpdates) {
    if (isRegistered(kernelName) === offered) continue;
    if (offered) tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
    else tf.unregisterKernel(kernelName, 'wasm');
  }
}

function isRegistered(kernelName: string): boolean {
  return (tf.getKernel(kernelName, 'wasm') as tf.KernelConfig | undefined) !== undefined;
}
