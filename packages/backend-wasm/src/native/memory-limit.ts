/**
 * Makes an allocation that the WASM memory has no room for an error. tfjs-wasm does not look at what its allocator says: it takes
 * the address 0, writes over whatever lies there, and fails much later. The check is one comparison for each new tensor.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { memoryOf } from './module.js';

/** The allocator of the module; the backend's own type needs typings that it does not bring. */
export interface Allocator {
  /** The address, negative beyond 2 GiB; 0 where there is no room. */
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** What an address can say. */
const LIMIT = 2 ** 32;

/** The allocators as they were, by module. */
const unguarded = new WeakMap<object, Allocator['_malloc']>();

/**
 * From now on `ApoError` `OUT_OF_MEMORY` is thrown where a tensor, or working space of ours, does not fit; tensors that exist are
 * untouched, and the backend goes on. Calling it again changes nothing.
 */
export function guardMemory(backend: BackendWasm): void {
  const module = allocatorOf(backend);
  if (unguarded.has(module)) return;
  // Emscripten's function replaces itself by the module's the first time it is called.
  module._free(module._malloc(1));
  const malloc = module._malloc;
  unguarded.set(module, malloc);
  module._malloc = (bytes) => {
    // The allocator would see the lowest 32 bits of a larger number.
    const address = bytes < LIMIT ? malloc(bytes) : 0;
    if (address === 0) throw outOfMemory(backend, bytes);
    return address;
  };
}

/** Takes the check out again. */
export function releaseMemoryGuard(backend: BackendWasm): void {
  const module = allocatorOf(backend);
  const malloc = unguarded.get(module);
  if (malloc === undefined) return;
  unguarded.delete(module);
  module._malloc = malloc;
}

export function allocatorOf(backend: BackendWasm): Allocator {
  return backend.wasm as unknown as Allocator;
}

function outOfMemory(backend: BackendWasm, bytes: number): ApoError {
  const { numTensors, numBytes } = tf.memory();
  const size = memoryOf(backend).buffer.byteLength;
  return new ApoError(
    'OUT_OF_MEMORY',
    `The WASM memory has no room for ${mebibytes(bytes)} in one piece: it is ${mebibytes(size)} large, of at most ` +
      `${mebibytes(LIMIT)}, and TensorFlow.js holds ${mebibytes(numBytes)} in ${numTensors} tensors. Use a smaller batch, ` +
      'dispose tensors that are no longer needed, or wrap what makes them in tf.tidy().',
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
