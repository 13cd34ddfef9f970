/** Makes one of the benchmark's engines the current backend. */
import { wasmBackend } from '@apo/backend-wasm';
import { ApoError } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { activateEngine } from '../engines.js';
import type { EngineOptions } from '../engines.js';
import type { BenchEngineName } from './subject.js';

/** @returns The number of threads. @throws ApoError `BACKEND_UNAVAILABLE`. */
export async function activateBenchEngine(name: BenchEngineName, options: EngineOptions): Promise<number> {
  if (name === 'stock-wasm') {
    // The published backend, without the kernels that @apo/backend-wasm adds; it runs on one thread in Node.
    await import('@tensorflow/tfjs-backend-wasm');
    if (!(await tf.setBackend('wasm'))) {
      throw new ApoError('BACKEND_UNAVAILABLE', 'TensorFlow.js refused its wasm backend.');
    }
    return 1;
  }
  if (name === 'recomposed-wasm') {
    const { threads } = options;
    const { threads: used } = await wasmBackend({
      simd: 'off',
      ...(threads === undefined ? {} : { threads }),
    }).activate();
    return used;
  }
  const { threads } = await activateEngine(name, options);
  return threads;
}
