/** Makes one of the benchmark's engines the current backend. */
import { wasmBackend } from '@apo/backend-wasm';
import { removeTrainingKernels } from '@apo/backend-webgpu';
import { ApoError } from '@apo/core';
import type { BackendInfo } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { activateEngine } from '../engines.js';
import type { EngineOptions } from '../engines.js';
import { isDeviceEngine } from './subject.js';
import type { BenchEngineName, DeviceFacts } from './subject.js';

export interface ActiveEngine {
  readonly threads: number;
  /** What it computes on, where that is not the processor. */
  readonly device?: DeviceFacts;
}

/** @throws ApoError `BACKEND_UNAVAILABLE`. */
export async function activateBenchEngine(
  name: BenchEngineName,
  options: EngineOptions,
): Promise<ActiveEngine> {
  if (name === 'stock-wasm') {
    // The published backend, without the kernels that @apo/backend-wasm adds; it runs on one thread in Node.
    await import('@tensorflow/tfjs-backend-wasm');
    if (!(await tf.setBackend('wasm'))) {
      throw new ApoError('BACKEND_UNAVAILABLE', 'TensorFlow.js refused its wasm backend.');
    }
    return { threads: 1 };
  }
  if (name === 'recomposed-wasm') {
    const { threads } = options;
    const { threads: used } = await wasmBackend({
      simd: 'off',
      ...(threads === undefined ? {} : { threads }),
    }).activate();
    return { threads: used };
  }
  const info = await activateEngine(name === 'stock-webgpu' ? 'webgpu' : name, options);
  if (name === 'stock-webgpu') removeTrainingKernels();
  return { threads: info.threads, ...(isDeviceEngine(name) && { device: deviceOf(info) }) };
}

function deviceOf({ name, details = {} }: BackendInfo): DeviceFacts {
  const named = ['vendor', 'architecture', 'driver'].flatMap((detail) => {
    const value = details[detail];
    return typeof value === 'string' && value !== '' ? [value] : [];
  });
  return { name: named.join(' ') || name, software: details['software'] === true };
}
