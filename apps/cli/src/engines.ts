/** The engines of this program, in the order in which they are tried, and the plain `cpu` one that is always there. */
import { cudaBackend } from '@apo/backend-cuda';
import { nodeBackend } from '@apo/backend-node';
import { wasmBackend } from '@apo/backend-wasm';
import { webgpuBackend } from '@apo/backend-webgpu';
import { ApoError, selectBackend } from '@apo/core';
import type { BackendAdapter, BackendInfo } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { withoutGreeting } from './greeting.js';

export const engineNames = ['cuda', 'node', 'wasm', 'webgpu', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  /** Threads of `node` (default: one per logical core) and of `wasm` (default: the adapter's choice); the others have one. */
  readonly threads?: number;
}

/** What training on `cpu` costs. */
const CPU_WARNING =
  'The cpu engine is plain JavaScript on one thread: a training step takes 20 to 200 times as long as on the wasm engine.';

/** TensorFlow.js's own JavaScript backend: slow, but it needs nothing. */
export function cpuBackend(): BackendAdapter {
  const details = { tfjs: tf.version_core, simd: false, threads: 1 };
  return {
    name: 'cpu',
    probe: () => Promise.resolve({ available: true, warning: CPU_WARNING, details }),
    async activate() {
      await import('@tensorflow/tfjs-backend-cpu');
      if (!(await tf.setBackend('cpu'))) {
        throw new ApoError('BACKEND_UNAVAILABLE', 'TensorFlow.js refused its cpu backend.');
      }
      withoutGreeting(() => tf.dispose(tf.scalar(0)));
      return { name: 'cpu', tfBackend: tf.getBackend(), threads: 1, warning: CPU_WARNING, details };
    },
  };
}

/** The adapter called `name`. */
export function engine(name: EngineName, { threads }: EngineOptions = {}): BackendAdapter {
  switch (name) {
    case 'cuda':
      return cudaBackend();
    case 'node':
      return nodeBackend();
    case 'wasm':
      return wasmBackend(threads === undefined ? {} : { threads });
    case 'webgpu':
      return webgpuBackend();
    case 'cpu':
      return cpuBackend();
    default:
      return name satisfies never;
  }
}

/**
 * Activates `name`, or without one the first of `engineNames` that works.
 * libtensorflow reads its number of threads from the environment when it is loaded, so `threads` is put there first.
 * @throws ApoError `BACKEND_UNAVAILABLE` with each engine's reason.
 */
export async function activateEngine(
  name: EngineName | undefined,
  options: EngineOptions = {},
): Promise<BackendInfo> {
  if (options.threads !== undefined) {
    process.env['TF_NUM_INTRAOP_THREADS'] = String(options.threads);
    process.env['TF_NUM_INTEROP_THREADS'] = String(options.threads);
  }
  if (name === undefined) return selectBackend(engineNames.map((known) => engine(known, options)));
  const adapter = engine(name, options);
  const { available, reason = 'it cannot be used here.', remedy } = await adapter.probe();
  if (available) return adapter.activate();
  const what = `The engine ${name} is not available: ${reason}`;
  throw new ApoError('BACKEND_UNAVAILABLE', remedy === undefined ? what : `${what} ${remedy}`);
}
