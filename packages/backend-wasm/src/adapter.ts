/** The engine adapter of the backend `wasm`: whether it can run here, and how it is started with the training kernels. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { requireArgument, requireInteger } from '@apo/core';
import type { Availability, BackendAdapter, BackendInfo } from '@apo/core';
import {
  installTrainingKernels,
  offerFusedUpdates,
  removeTrainingKernels,
  trainingKernelsInstalled,
} from './install.js';
import { trainingKernels } from './kernels/index.js';
import { chooseNativeBuild, chosenNativeBuild, nativeBuild, simdChoices } from './native/module.js';
import type { SimdChoice } from './native/module.js';
import { defaultThreads } from './threads/host.js';
import { startBackend } from './threads/start.js';

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
  /**
   * Which build of our own kernels to use: `'relaxed'` (fused multiply-add), `'simd'`, or `'off'` for kernels recomposed from
   * stock ones. The last bits of results differ between them. Default `'auto'`: the fastest that this engine runs.
   */
  readonly simd?: SimdChoice;
  /**
   * Threads for our own kernels, a whole number ≥ 1. Default: the logical processors up to 4; 1 in a page that is not
   * cross-origin isolated. Where there can be only one, `details.singleThread` of the activated engine says why. Results are
   * the same bits for the same number of threads.
   */
  readonly threads?: number;
}

/**
 * The CPU engine that npm alone installs: TensorFlow.js's WASM backend with the training kernels of this package.
 * @throws ApoError `INVALID_ARGUMENT` when `wasmPaths` is an empty string, `simd` is none of its values or `threads`
 * is no whole number ≥ 1.
 */
export function wasmBackend({ wasmPaths, simd = 'auto', threads }: WasmBackendOptions = {}): BackendAdapter {
  requireArgument(
    wasmPaths !== '',
    () => `wasmPaths is ''; expected a folder such as '/assets/' or a path for each .wasm file.`,
  );
  requireArgument(
    simdChoices.includes(simd),
    () => `simd is ${JSON.stringify(simd)}; expected one of ${simdChoices.join(', ')}.`,
  );
  if (threads !== undefined) requireInteger('threads', threads, 1);
  return {
    name: 'wasm',
    probe,
    activate: () => activate(wasmPaths, simd, threads),
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

/** Activates the engine, or fails with TensorFlow.js as it was: its backend, the kernels and the choice of our build. */
async function activate(
  wasmPaths: WasmPaths | undefined,
  simd: SimdChoice,
  threads: number | undefined,
): Promise<BackendInfo> {
  // Typed as if there always were one; there is none before the first operation.
  const backend = tf.getBackend() as string | undefined;
  const build = chosenNativeBuild();
  const installed = trainingKernelsInstalled();
  try {
    return await start(wasmPaths, simd, threads);
  } catch (error) {
    if (!installed) removeTrainingKernels();
    chooseNativeBuild(build);
    if (backend !== undefined && backend !== tf.getBackend()) await tf.setBackend(backend);
    throw error;
  }
}

async function start(
  wasmPaths: WasmPaths | undefined,
  simd: SimdChoice,
  threads: number | undefined,
): Promise<BackendInfo> {
  chooseNativeBuild(simd);
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  installTrainingKernels();
  const started = await startBackend(wasm, wasmPaths, threads ?? defaultThreads());
  const { shortfall } = started;
  const build = nativeBuild(tf.backend() as unknown as BackendWasm);
  offerFusedUpdates(build !== 'off');
  return {
    name: 'wasm',
    tfBackend: tf.getBackend(),
    threads: started.threads,
    ...(shortfall === undefined || threads === undefined ? {} : { warning: `One thread only: ${shortfall}` }),
    details: {
      version: wasm.version_wasm,
      simd: tf.env().getBool('WASM_HAS_SIMD_SUPPORT'),
      trainingKernels: trainingKernels.length,
      build,
      ...(shortfall === undefined ? {} : { singleThread: shortfall }),
    },
  };
}
