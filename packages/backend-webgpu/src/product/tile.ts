/** How a product is cut into pieces: one workgroup computes a tile of the result, each of its threads a block of the tile. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { isSoftware } from '../software.js';

/** Sides in numbers, all multiples of 4. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** How much of the inner side lies in the workgroup's memory at one time. */
  readonly inner: number;
  /** A thread's block. */
  readonly blockRows: number;
  readonly blockColumns: number;
  /** So many threads share a block, each with every so many-th four of the inner side; added in their order. */
  readonly slices: number;
}

const tile = (
  rows: number,
  columns: number,
  inner: number,
  [blockRows, blockColumns]: readonly [number, number],
  slices: number,
): Tile => ({ rows, columns, inner, blockRows, blockColumns, slices });

/** 256 threads each, sides of a GPU's own size; for products with few numbers, threads share the inner side. */
const GPU_TILES: readonly Tile[] = [
  tile(64, 64, 16, [4, 4], 1),
  tile(32, 32, 32, [4, 4], 4),
  tile(64, 16, 32, [4, 4], 4),
  tile(16, 64, 32, [4, 4], 4),
  tile(16, 16, 64, [4, 4], 16),
];

/** A thread has 64 numbers of one sum; those of two would not fit into its registers. */
const LARGE_GPU_TILE = tile(128, 128, 16, [8, 8], 1);

/** 16 threads: a software renderer compiles this in a tenth of a second, where 256 threads take it some, and no larger one was faster throughout. */
const SMALLEST_TILE = tile(16, 16, 16, [4, 4], 1);

/** Those that the device has memory for. @param sums How many sums each thread has for a number of the result. */
export function tilesFor(backend: WebGPUBackend, sums: number): readonly Tile[] {
  if (isSoftware(backend)) return [SMALLEST_TILE];
  const all = sums === 1 ? [...GPU_TILES, LARGE_GPU_TILE] : GPU_TILES;
  const fitting = all.filter(
    (one) => memoryOf(one, sums) <= backend.device.limits.maxComputeWorkgroupStorageSize,
  );
  return fitting.length > 0 ? fitting : [SMALLEST_TILE];
}

/** Bytes of a workgroup's memory, with factors of their own for each sum, and a number and a four of each thread. */
function memoryOf(one: Tile, sums: number): number {
  return 4 * sums * one.inner * (one.rows + one.columns) + 20 * threadsOf(one);
}

export function threadsOf({ rows, columns, blockRows, blockColumns, slices }: Tile): number {
  return (rows / blockRows) * (columns / blockColumns) * slices;
}

/** Workgroups that keep a GPU busy. */
const BUSY = 64;

/** The tile whose reading, rounding up and idle cores cost least for a result `[batch, rows, columns]`, by a count of each. */
export function chooseTile(
  [batch, rows, columns]: readonly [number, number, number],
  tiles: readonly Tile[],
): Tile {
  let best = tiles[0]!;
  let least = Infinity;
  for (const candidate of tiles) {
    const [down, across] = [Math.ceil(rows / candidate.rows), Math.ceil(columns / candidate.columns)];
    const padded = down * candidate.rows * across * candidate.columns;
    // A number of the result takes a row and a column of the inner side, which a tile reads once for all of its own.
    const reading = 1 / candidate.rows + 1 / candidate.columns;
    const computing = 1 / 32;
    const cost = batch * padded * (reading + computing) * Math.max(1, BUSY / (batch * down * across));
    if (cost < least) [best, least] = [candidate, cost];
  }
  return best;
}
