/** Starts the backend `wasm` with a number of threads: on a shared memory where that can be had, else on one thread, with the reason. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type * as wasmPackage from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { memoryOf, nativeBuild } from '../native/module.js';
import { canShareMemory, nodeModules } from './host.js';
import { startThreads, threadCount } from './parallel.js';
import { inFolder, originalPaths, sharedPaths } from './shared-start.js';

export interface Started {
  readonly threads: number;
  /** Why there are fewer threads than were asked for: one sentence. */
  readonly shortfall?: string;
}

/**
 * Makes `wasm` TensorFlow.js's current backend. A backend that runs already is kept; its memory decides whether it can have
 * threads.
 * @throws ApoError `BACKEND_UNAVAILABLE` when the backend does not start even on one thread.
 */
export async function startBackend(
  wasm: typeof wasmPackage,
  wasmPaths: string | Readonly<Record<string, string>> | undefined,
  threads: number,
): Promise<Started> {
  const shortfall = 'wasm' in tf.engine().registry ? undefined : await initialise(wasm, wasmPaths, threads);
  if (!(await tf.setBackend('wasm'))) throw notStarted();
  await tf.ready();
  const backend = tf.backend() as unknown as BackendWasm;
  if (threads > 1 && shortfall === undefined) {
    const reason = await addWorkers(backend, threads);
    if (reason !== undefined) return { threads: 1, shortfall: reason };
  } else {
    await startThreads(backend, 1);
  }
  return { threads: threadCount(backend), ...(shortfall === undefined ? {} : { shortfall }) };
}

/** Sets the paths and starts the backend for the first time; returns why it can only have one thread, if so. */
async function initialise(
  wasm: typeof wasmPackage,
  wasmPaths: string | Readonly<Record<string, string>> | undefined,
  threads: number,
): Promise<string | undefined> {
  if (nodeModules() === undefined) return initialiseInPage(wasm, wasmPaths, threads);
  const originals = originalPaths(wasmPaths);
  if (originals === undefined) {
    return threads > 1
      ? 'The .wasm files of @tensorflow/tfjs-backend-wasm were not found; say where they are with wasmBackend({wasmPaths}).'
      : undefined;
  }
  const shared = threads > 1 ? await sharedPaths(originals) : undefined;
  if (typeof shared === 'object') {
    setPaths(wasm, shared, true);
    if (await tf.setBackend('wasm')) return undefined;
  }
  // Always a map: tfjs-wasm prefers the map of an earlier start to a folder.
  setPaths(wasm, originals, false);
  return typeof shared === 'object' ? 'tfjs-wasm did not start on a shared memory.' : shared;
}

function setPaths(
  wasm: typeof wasmPackage,
  paths: string | Readonly<Record<string, string>>,
  fetched: boolean,
): void {
  try {
    wasm.setWasmPaths(typeof paths === 'string' ? paths : { ...paths }, fetched);
  } catch (cause) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      'tfjs-wasm takes no paths of its files: it failed to start earlier in this program, or a file is missing in wasmPaths. ' +
        'Correct the paths and start the program again.',
      { cause },
    );
  }
}

/** In a page tfjs-wasm has a binary with a shared memory of its own; its own threads would get in the way of ours. */
function initialiseInPage(
  wasm: typeof wasmPackage,
  wasmPaths: string | Readonly<Record<string, string>> | undefined,
  threads: number,
): string | undefined {
  if (wasmPaths !== undefined)
    setPaths(wasm, typeof wasmPaths === 'string' ? inFolder(wasmPaths) : wasmPaths, false);
  const share = threads > 1 && canShareMemory();
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', share);
  wasm.setThreadsCount(1);
  if (threads > 1 && !share) {
    return 'The page is not cross-origin isolated: serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.';
  }
  return undefined;
}

async function addWorkers(backend: BackendWasm, threads: number): Promise<string | undefined> {
  if (nativeBuild(backend) === 'off') return 'Only our own kernels use threads, and they are off.';
  if (memoryOf(backend).buffer instanceof ArrayBuffer) {
    return 'The backend was running already, on a memory that threads cannot share; let wasmBackend().activate() start it.';
  }
  try {
    await startThreads(backend, threads);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function notStarted(): ApoError {
  return new ApoError(
    'BACKEND_UNAVAILABLE',
    'The WASM backend could not be started; see the warning above. In a page, say where the .wasm files are: ' +
      "wasmBackend({wasmPaths: '/folder/'}).",
  );
}
