/**
 * Sums over tensors that are cut into chunks of one length, so that they are the same bits for any number of threads. Each
 * chunk writes its own sum, a float64; the chunks' sums are added in order.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { memoryOf } from './native/module.js';
import { scratch } from './native/scratch.js';
import { parallelFor } from './threads/parallel.js';
import type { Job } from './threads/pool.js';

const CHUNK = 65_536;

interface Chunk {
  readonly tensor: number;
  /** In floats. */
  readonly start: number;
  readonly length: number;
}

/**
 * The sum for each tensor, by index. `jobOf` makes the job on one chunk, which writes its sum to the address it is given, and
 * allocates nothing.
 */
export function chunkedSums(
  backend: BackendWasm,
  sizes: readonly number[],
  jobOf: (chunk: Chunk, sum: number) => Job,
): Float64Array {
  const chunks = sizes.flatMap((size, tensor) =>
    Array.from({ length: Math.ceil(size / CHUNK) }, (_, i): Chunk => {
      const start = i * CHUNK;
      return { tensor, start, length: Math.min(CHUNK, size - start) };
    }),
  );
  const sums = scratch(backend, 'chunked sums', 8 * chunks.length);
  parallelFor(
    backend,
    chunks.map((chunk, i) => jobOf(chunk, sums + 8 * i)),
  );
  const values = new Float64Array(memoryOf(backend).buffer, sums, chunks.length);
  const totals = new Float64Array(sizes.length);
  chunks.forEach(({ tensor }, i) => (totals[tensor]! += values[i]!));
  return totals;
}
