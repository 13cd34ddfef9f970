/**
 * Starts tfjs-wasm on a shared memory in Node, where TensorFlow.js itself uses one thread only. Its ordinary SIMD binary is
 * loaded with the one bit of its memory changed that makes it a shared one, through the public `setWasmPaths`: tfjs's own
 * code stays as it is and single-threaded, and our kernels run on our own workers over its memory. The same could be had
 * from its multi-threaded binary, but Node cannot load the workers of that one without rewriting parts of its loader.
 *
 * Tried with @tensorflow/tfjs-backend-wasm 4.22.0. Everything it rests on is checked before tfjs sees the binary: that the
 * file is found, has a memory with a maximum, validates with a shared one and can be fetched back; otherwise tfjs starts as
 * usual, with the reason returned.
 */
import * as tf from '@tensorflow/tfjs-core';
import { nodeModules } from './host.js';
import type { NodeModules } from './host.js';
import { withSharedMemory } from './shared-memory.js';

const SIMD_FILE = 'tfjs-backend-wasm-simd.wasm';
const PACKAGE = '@tensorflow/tfjs-backend-wasm';

/** Where tfjs-wasm is to look for its binaries, for each file name. */
export type WasmFileMap = Record<
  'tfjs-backend-wasm.wasm' | 'tfjs-backend-wasm-simd.wasm' | 'tfjs-backend-wasm-threaded-simd.wasm',
  string
>;

/** The changed binary, as a URL, by the file it was made from: a backend that is started again loads the same one. */
const urls = new Map<string, string>();

/**
 * Paths for `setWasmPaths(paths, true)`, to be set before tfjs-wasm is initialised, or one sentence that says why there can
 * be only one thread. Changes nothing.
 */
export async function sharedPaths(originals: WasmFileMap): Promise<WasmFileMap | string> {
  const node = nodeModules();
  if (node === undefined) return 'Only Node can start tfjs-wasm on a shared memory.';
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) return 'This engine has no WebAssembly SIMD.';
  const file = originals[SIMD_FILE];
  const known = urls.get(file);
  if (known !== undefined) return { ...originals, [SIMD_FILE]: known };
  let binary: Uint8Array;
  try {
    binary = node.fs.readFileSync(file);
  } catch (error) {
    return `${file} cannot be read: ${messageOf(error)}.`;
  }
  const shared = withSharedMemory(binary);
  if (shared === undefined) return `The memory of ${file} cannot be made a shared one.`;
  const url = URL.createObjectURL(new Blob([shared], { type: 'application/wasm' }));
  const refusal = await unfetchable(url, shared.length);
  if (refusal !== undefined) {
    URL.revokeObjectURL(url);
    return refusal;
  }
  urls.set(file, url);
  return { ...originals, [SIMD_FILE]: url };
}

/** tfjs-wasm waits for ever for a binary that it cannot fetch, so that is tried out first. */
async function unfetchable(url: string, length: number): Promise<string | undefined> {
  try {
    const response = await tf.util.fetch(url);
    const bytes = await response.arrayBuffer();
    if (bytes.byteLength === length) return undefined;
    return `fetch() gave ${bytes.byteLength} bytes of a blob of ${length}.`;
  } catch (error) {
    return `fetch() does not read blobs here: ${messageOf(error)}.`;
  }
}

/** The files of tfjs-wasm in Node: where `wasmPaths` says, else in its package; `undefined` when that is not found. */
export function originalPaths(
  wasmPaths: string | Readonly<Record<string, string>> | undefined,
): WasmFileMap | undefined {
  const node = nodeModules();
  if (node === undefined) return undefined;
  if (typeof wasmPaths === 'string') return inFolder(wasmPaths);
  return wasmPaths === undefined ? inPackage(node) : (wasmPaths as WasmFileMap);
}

function inPackage({ fs, module, path }: NodeModules): WasmFileMap | undefined {
  // This file, as a module or as CommonJS, and the program's folder.
  const file: string | undefined = typeof __filename === 'string' ? __filename : import.meta.url;
  for (const start of [file, path.join(process.cwd(), 'package.json')]) {
    try {
      const entry = module.createRequire(start).resolve(PACKAGE);
      const folder = `${path.dirname(entry)}${path.sep}`;
      if (fs.existsSync(`${folder}${SIMD_FILE}`)) return inFolder(folder);
    } catch {
      // Not reachable from here; the next start may be nearer.
    }
  }
  return undefined;
}

/** The files in a folder, whose name ends as a path does before a file's. */
export function inFolder(folder: string): WasmFileMap {
  return {
    'tfjs-backend-wasm.wasm': `${folder}tfjs-backend-wasm.wasm`,
    'tfjs-backend-wasm-simd.wasm': `${folder}${SIMD_FILE}`,
    'tfjs-backend-wasm-threaded-simd.wasm': `${folder}tfjs-backend-wasm-threaded-simd.wasm`,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
