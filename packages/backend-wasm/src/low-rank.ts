/**
 * What the two kernels of a low-rank preconditioner share: a block of it as addresses, its rows split over threads, and its
 * working space. See `LowRankKernelAttributes` of @apo/core for the inputs and `assembly/low-rank.ts` for the passes.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, sizeOf } from './heap.js';
import { nativeFunctions } from './native/module.js';
import { pointerTo } from './native/pointers.js';
import { scratch } from './native/scratch.js';
import { job, parallelFor, splitRange, threadCount } from './threads/parallel.js';
import type { Job } from './threads/pool.js';

export type LowRankInputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** F = I + U Vᵀ as the addresses of U and V `[size, rank]`; rank 0 for I. */
export interface LowRankSide {
  readonly rank: number;
  readonly u: number;
  readonly v: number;
}

/** A matrix whose last row may lie elsewhere: the address of its first row, and of the last one or 0. */
export interface RowsAndExtra {
  readonly rows: number;
  readonly extra: number;
}

export interface LowRankBlock {
  readonly m: number;
  readonly n: number;
  readonly columns: LowRankSide;
  readonly rows: LowRankSide;
  /** r_A + r_B. */
  readonly rank: number;
  readonly scale: number;
  readonly rate: number;
}

/** Numbers are read here and addresses taken, so allocate before. */
export function lowRankBlock(backend: BackendWasm, inputs: LowRankInputs, place: number): LowRankBlock {
  const [m, n] = inputs['scale']!.shape as [number, number];
  const side = (u: tf.TensorInfo | undefined, v: tf.TensorInfo | undefined): LowRankSide =>
    u === undefined || v === undefined
      ? { rank: 0, u: 0, v: 0 }
      : { rank: u.shape[1]!, u: pointerTo(backend, u), v: pointerTo(backend, v) };
  const columns = side(inputs['columnU'], inputs['columnV']);
  const rows = side(inputs['rowU'], inputs['rowV']);
  return {
    m,
    n,
    columns,
    rows,
    rank: columns.rank + rows.rank,
    scale: pointerTo(backend, inputs['scale']!),
    rate: floats(backend, inputs['rates']!)[place]!,
  };
}

/** The tensors of a role as one matrix. */
export function rowsOf(backend: BackendWasm, tensors: readonly tf.TensorInfo[]): RowsAndExtra {
  const [rows, extra] = tensors.map((tensor) => pointerTo(backend, tensor));
  return { rows: rows!, extra: extra ?? 0 };
}

/** The tensors of a role. */
export function roleOf(inputs: LowRankInputs, role: string, count: number): tf.TensorInfo[] {
  return Array.from({ length: count }, (_, i) => inputs[`${role}${i}`]!);
}

/** Whether there is anything to compute, and anything to compute it with. */
export function canRun(backend: BackendWasm, inputs: LowRankInputs): boolean {
  return nativeFunctions(backend) !== undefined && sizeOf(inputs['scale']!.shape) > 0;
}

/** Rows of one job, `count` of them without the extra one, which belongs to the last part. */
export interface RowPart {
  readonly index: number;
  readonly start: number;
  readonly count: number;
  readonly hasExtra: boolean;
}

/** Multiplications worth a thread: about 50 µs. */
const GRAIN = 1_200_000;
/** A product with few columns or ranks costs about as much as one with so many. */
const LEAST_RANK = 8;

/** The rows before the extra one, in a part for each thread where that pays. */
export function splitRows(backend: BackendWasm, { m, n, rank }: LowRankBlock, extra: boolean): RowPart[] {
  const grain = Math.max(16, GRAIN / (n * Math.max(LEAST_RANK, rank)));
  const parts = splitRange(backend, extra ? m - 1 : m, { grain, multiple: 16 });
  return parts.map(({ start, end }, index) => ({
    index,
    start,
    count: end - start,
    hasExtra: extra && index === parts.length - 1,
  }));
}

/** One block of memory that is kept between calls, cut into pieces of so many floats; their addresses, multiples of 64. */
export function pieces(backend: BackendWasm, purpose: string, counts: readonly number[]): number[] {
  const sizes = counts.map((count) => 64 * Math.ceil(count / 16));
  let address = scratch(
    backend,
    purpose,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  return sizes.map((size) => {
    const own = address;
    address += size;
    return own;
  });
}

/** Working space of `gemm` for every thread: the largest product has sides of n, the ranks and a panel's rows. */
export function gemmSpace(
  backend: BackendWasm,
  { n, rank }: LowRankBlock,
  more = 0,
): { work: number; bytes: number } {
  const side = Math.max(n, rank, 48);
  const bytes = 64 * Math.ceil((nativeFunctions(backend)!.gemmScratchBytes(side, side, side) + more) / 64);
  return { work: scratch(backend, 'low-rank products', bytes * threadCount(backend)), bytes };
}

/** Runs jobs on all threads; the last argument but one of each is its share of the working space `bytes` apart. */
export function runWithSpace(backend: BackendWasm, bytes: number, jobs: readonly Job[]): void {
  parallelFor(
    backend,
    jobs.map((one) => ({ ...one, workspace: { argument: one.args.length - 2, bytes } })),
  );
}

/** Floats that the first pass sums over the rows of one part: r_B × n and then r_B × r_A. */
export function partialSums({ n, columns, rows }: LowRankBlock): number {
  return rows.rank * (n + columns.rank);
}

/** The first pass over X, a job a part: what its rows give to `left` `[m, r]` and, a part after the other, to `sums`. */
export function projection(
  block: LowRankBlock,
  parts: readonly RowPart[],
  x: RowsAndExtra,
  left: number,
  sums: number,
  work: number,
): Job[] {
  const { n, rank, columns, rows } = block;
  return parts.map(({ index, start, count, hasExtra }) => {
    const sumsOfPart = sums + 4 * partialSums(block) * index;
    return job(
      'lowRankProject',
      count,
      n,
      x.rows + 4 * n * start,
      hasExtra ? x.extra : 0,
      columns.rank,
      columns.u,
      rows.rank,
      rows.u + 4 * rows.rank * start,
      rows.v + 4 * rows.rank * start,
      left + 4 * rank * start,
      sumsOfPart,
      sumsOfPart + 4 * rows.rank * n,
      work,
      false,
    );
  });
}
