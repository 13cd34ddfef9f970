/**
 * Working space in the memory of tfjs-wasm, one block for each purpose, kept and grown between calls so that a step allocates
 * nothing. A block holds no values from one kernel call to the next.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocatorOf } from './memory-limit.js';

interface Block {
  /** As the allocator returned it. */
  readonly address: number;
  readonly bytes: number;
}

const ALIGNMENT = 64;
const blocks = new Map<BackendWasm, Map<string, Block>>();

/**
 * A block of at least `bytes` bytes, its address a multiple of 64; the next call for the same purpose may return another one.
 * @throws ApoError `OUT_OF_MEMORY` when the memory, at most 4 GiB, has no room for it (`memory-limit.ts`).
 */
export function scratch(backend: BackendWasm, purpose: string, bytes: number): number {
  const own = blocks.get(backend) ?? new Map<string, Block>();
  blocks.set(backend, own);
  let block = own.get(purpose);
  if (block === undefined || block.bytes < bytes) {
    if (block !== undefined) allocatorOf(backend)._free(block.address);
    own.delete(purpose);
    // An address beyond 2 GiB comes back negative.
    const address = allocatorOf(backend)._malloc(bytes + ALIGNMENT) >>> 0;
    block = { address, bytes };
    own.set(purpose, block);
  }
  return Math.ceil(block.address / ALIGNMENT) * ALIGNMENT;
}

/** Gives every block back; the next call allocates anew. */
export function releaseScratch(): void {
  for (const [backend, own] of blocks) {
    // The memory of a backend that was removed is gone with it.
    if ((backend.wasm as unknown) === null) continue;
    for (const { address } of own.values()) allocatorOf(backend)._free(address);
  }
  blocks.clear();
}
