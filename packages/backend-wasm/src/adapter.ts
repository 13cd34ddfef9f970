/** The engine adapter of the backend `wasm`: whether it can run here, and how it is started with the training kernels. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, requireArgument } from '@apo/core';
import type { Availability, BackendAdapter, BackendInfo } from '@apo/core';
import { installTrainingKernels } from './install.js';
import { trainingKernels } from './kernels/index.js';

/** Where the `.wasm` files are: a folder (ending in `/`), or a path for each file. */
export type WasmPaths = string | Readonly<Record<WasmFile, string>>;

export type WasmFile =
  'tfjs-backend-wasm.wasm' | 'tfjs-backend-wasm-simd.wasm' | 'tfjs-backend-wasm-threaded-simd.wasm';

export interface WasmBackendOptions {
  /**
   * Where to load the `.wasm` files from, handed to `setWasmPaths` on activation. Node finds them in the package; in a
   * page they are looked for beside the script unless this says otherwise. Ignored when the backend already runs.
   */
  readonly wasmPaths?: WasmPaths;
}

/**
 * The CPU engine that npm alone installs: TensorFlow.js's WASM backend with the training kernels of this package.
 * @throws ApoError `INVALID_ARGUMENT` when `wasmPaths` is an empty string.
 */
export function wasmBackend({ wasmPaths }: WasmBackendOptions = {}): BackendAdapter {
  requireArgument(
    wasmPaths !== '',
    () => `wasmPaths is ''; expected a folder such as '/assets/' or a path for each .wasm file.`,
  );
  return {
    name: 'wasm',
    probe,
    activate: () => activate(wasmPaths),
  };
}

async function probe(): Promise<Availability> {
  if (typeof WebAssembly === 'undefined') {
    return {
      available: false,
      reason: 'This JavaScript engine has no WebAssembly.',
      remedy: 'Use a browser or a Node.js (20.19 or later) that has it.',
    };
  }
  try {
    const { version_wasm: version } = await import('@tensorflow/tfjs-backend-wasm');
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    const multithreading = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
    return {
      available: true,
      details: { version, simd: Boolean(simd), multithreading: Boolean(multithreading) },
      ...(simd
        ? {}
        : { warning: 'This engine has no WebAssembly SIMD: expect it to be several times slower.' }),
    };
  } catch (cause) {
    return {
      available: false,
      reason: `@tensorflow/tfjs-backend-wasm cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Install it: npm install @tensorflow/tfjs-backend-wasm@4.22.0',
    };
  }
}

async function activate(wasmPaths: WasmPaths | undefined): Promise<BackendInfo> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (wasmPaths !== undefined && !('wasm' in tf.engine().registry)) {
    wasm.setWasmPaths(typeof wasmPaths === 'string' ? wasmPaths : { ...wasmPaths });
  }
  installTrainingKernels();
  if (!(await tf.setBackend('wasm'))) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      'The WASM backend could not be started; see the warning above. In a page, say where the .wasm files are: ' +
        "wasmBackend({wasmPaths: '/folder/'}).",
    );
  }
  await tf.ready();
  return {
    name: 'wasm',
    tfBackend: tf.getBackend(),
    threads: tf.env().getBool('WASM_HAS_MULTITHREAD_SUPPORT') ? wasm.getThreadsCount() : 1,
    details: {
      version: wasm.version_wasm,
      simd: tf.env().getBool('WASM_HAS_SIMD_SUPPORT'),
      trainingKernels: trainingKernels.length,
    },
  };
}
