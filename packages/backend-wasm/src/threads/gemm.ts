/**
 * Products of matrices on all threads: `gemm` of our module on parts of a batch, or on blocks of C's columns or rows. Every
 * element of C is still one sum over the whole inner dimension, by one thread.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { nativeFunctions } from '../native/module.js';
import { scratch } from '../native/scratch.js';
import { job, parallelFor, splitRange, threadCount } from './parallel.js';
import type { Job } from './pool.js';

/** C[m, n] = op(A)·op(B), as `gemm` takes it: addresses, and bytes from one stored row to the next. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: number;
  readonly aStride: number;
  readonly transposeA: boolean;
  readonly b: number;
  readonly bStride: number;
  readonly transposeB: boolean;
  readonly c: number;
  readonly cRowBytes: number;
  readonly cColumnBytes: number;
  readonly accumulate: boolean;
  /** What is done to C in the end, as `epilogueOf` gives it, and the column of the epilogue that C begins with; default 0. */
  readonly epilogue?: number;
  readonly firstColumn?: number;
}

/** How many products there are, and the bytes from the operands of one to those of the next; 0 repeats an operand. */
export interface Batch {
  readonly count: number;
  readonly aStep: number;
  readonly bStep: number;
  readonly cStep: number;
}

/** Multiplications worth a thread: about 50 µs. */
const GRAIN = 1_200_000;
/** Boundaries between blocks of columns and of rows, so that full tiles stay full: multiples of 8, and of 5 and 6. */
const COLUMNS = 16;
const ROWS = 30;
const SINGLE: Batch = { count: 1, aStep: 0, bStep: 0, cStep: 0 };
/** Where `gemmBatch` takes its working space among its arguments. */
const WORK = 19;

/**
 * Computes a product, or a batch of them that write to different places. Our module must be there (`nativeFunctions(backend)`
 * is not `undefined`).
 */
export function multiplyMatrices(backend: BackendWasm, product: Product, batch: Batch = SINGLE): void {
  const { m, n, k } = product;
  const native = nativeFunctions(backend)!;
  // A block needs no more than the whole.
  const bytes = 64 * Math.ceil(native.gemmScratchBytes(m, n, k) / 64);
  const work = scratch(backend, 'gemm', bytes * threadCount(backend));
  const { count } = batch;
  const size = Math.max(1, m * n * k);
  if (threadCount(backend) === 1 || count * size < GRAIN) {
    // The list of jobs would cost more than a small product.
    native.gemmBatch(
      count,
      batch.aStep,
      batch.bStep,
      batch.cStep,
      m,
      n,
      k,
      product.a,
      product.aStride,
      product.transposeA,
      product.b,
      product.bStride,
      product.transposeB,
      product.c,
      product.cRowBytes,
      product.cColumnBytes,
      product.accumulate,
      product.epilogue ?? 0,
      product.firstColumn ?? 0,
      work,
      false,
    );
    return;
  }
  const toJob = (part: Product, { count, aStep, bStep, cStep }: Batch): Job => ({
    ...job(
      'gemmBatch',
      count,
      aStep,
      bStep,
      cStep,
      part.m,
      part.n,
      part.k,
      part.a,
      part.aStride,
      part.transposeA,
      part.b,
      part.bStride,
      part.transposeB,
      part.c,
      part.cRowBytes,
      part.cColumnBytes,
      part.accumulate,
      part.epilogue ?? 0,
      part.firstColumn ?? 0,
      work,
      false,
    ),
    workspace: { argument: WORK, bytes },
  });
  if (count >= threadCount(backend) || size < GRAIN) {
    const parts = splitRange(backend, count, { grain: Math.max(1, GRAIN / size) });
    parallelFor(
      backend,
      parts.map(({ start, end }) => toJob(element(product, batch, start), { ...batch, count: end - start })),
    );
    return;
  }
  const jobs: Job[] = [];
  for (let i = 0; i < count; i++) {
    for (const block of split(backend, element(product, batch, i))) jobs.push(toJob(block, SINGLE));
  }
  parallelFor(backend, jobs);
}

/** The i-th product of the batch. */
function element(product: Product, { aStep, bStep, cStep }: Batch, i: number): Product {
  return { ...product, a: product.a + i * aStep, b: product.b + i * bStep, c: product.c + i * cStep };
}

/** Blocks of columns, as B is packed once then; blocks of rows where there are few columns or A is what gets packed. */
function split(backend: BackendWasm, product: Product): Product[] {
  const { m, n, k } = product;
  const byRows = n < 4 * COLUMNS || (product.transposeA && m > 2 * n);
  if (byRows) {
    const grain = Math.max(ROWS, GRAIN / Math.max(1, n * k));
    return splitRange(backend, m, { grain, multiple: ROWS }).map(({ start, end }) => ({
      ...product,
      m: end - start,
      a: product.a + start * (product.transposeA ? 4 : product.aStride),
      c: product.c + start * product.cRowBytes,
    }));
  }
  const grain = Math.max(COLUMNS, GRAIN / Math.max(1, m * k));
  return splitRange(backend, n, { grain, multiple: COLUMNS }).map(({ start, end }) => ({
    ...product,
    n: end - start,
    b: product.b + start * (product.transposeB ? product.bStride : 4),
    c: product.c + start * product.cColumnBytes,
    firstColumn: start,
  }));
}
