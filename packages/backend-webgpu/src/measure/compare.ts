/** The keep table: every kernel against plain or stock ops on the adapter at hand, by timestamp queries, and the choice that follows from it. */
import { requireInteger } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { isDeterministic } from '../determinism.js';
import { removeBatchNormGradient } from '../gradients/batch-norm.js';
import { installTrainingKernels, dropKernels, removeTrainingKernels } from '../install.js';
import { BATCH_NORM_GRADIENT } from '../kernels/apo-batch-norm-gradient.js';
import { chooseProductPrograms, FEW, isHalfPrecision } from '../product-choice.js';
import type { ProductProgram } from '../product-choice.js';
import { isSoftware } from '../software.js';
import { kernelCases } from './cases.js';
import type { CaseScale, KernelCase } from './cases.js';
import { requireTimer, timeOnce } from './gpu-time.js';

export interface KernelComparison {
  /** Its name in the registry, or `matMul (tiled)` and `matMul (subgroups)`. */
  readonly kernel: string;
  readonly shape: string;
  /** Milliseconds on the GPU, the least over rounds, to which all else that a machine does only adds: of stock or plain ops, and of ours. */
  readonly stock: number;
  readonly own: number;
  /** stock / own. */
  readonly ratio: number;
  /** Largest difference of a number, relative to the largest number of its tensor. */
  readonly difference: number;
  /** Ours is faster and gives the same within 1e-3. */
  readonly kept: boolean;
}

export interface CompareOptions {
  /** ≥ 1; in each round both sides run, one after the other. Default 5. */
  readonly rounds?: number;
  /** Sizes: `small` for software renderers, `full` for GPUs. Default: by the adapter. */
  readonly scale?: CaseScale;
  /** Only kernels whose name it matches. Default all. */
  readonly only?: RegExp;
}

/** 16-bit factors would differ by more. */
const SAME = 1e-3;

/**
 * Measures kernel by kernel; the choice of kernels and programs is afterwards what it was before. The backend `webgpu` must be in use.
 * @throws ApoError `UNSUPPORTED` without timestamp queries, `INVALID_ARGUMENT` for `rounds`.
 */
export async function compareKernels({ rounds = 5, scale, only = /./ }: CompareOptions = {}): Promise<
  KernelComparison[]
> {
  requireInteger('rounds', rounds, 1);
  requireTimer();
  const backend = tf.backend() as unknown as WebGPUBackend;
  const subgroups = backend.device.features.has('subgroups');
  const cases = kernelCases(scale ?? (isSoftware(backend) ? 'small' : 'full'), subgroups);
  const options = { deterministic: isDeterministic(), halfPrecision: isHalfPrecision() };
  const previous = chooseProductPrograms(undefined);
  const dropped = dropKernels([]);
  const table: KernelComparison[] = [];
  try {
    for (const one of cases.filter(({ kernel }) => only.test(kernel))) {
      const use = (which: 'own' | 'stock'): void => {
        const program = (which === 'own' && one.program) || 'tfjs';
        chooseProductPrograms({ few: program, many: program });
        removeTrainingKernels();
        dropKernels(which === 'own' ? [] : [one.kernel]);
        installTrainingKernels({ ...options, halfPrecision: false });
        // The stock gradient, not ours by ops.
        if (which === 'stock' && one.kernel === BATCH_NORM_GRADIENT) removeBatchNormGradient();
      };
      table.push(await compareCase(one, rounds, use));
    }
  } finally {
    chooseProductPrograms(previous);
    dropKernels(dropped);
    removeTrainingKernels();
    installTrainingKernels(options);
  }
  return table;
}

async function compareCase(
  { kernel, shape, inputs, run }: KernelCase,
  rounds: number,
  use: (which: 'own' | 'stock') => void,
): Promise<KernelComparison> {
  const given = inputs();
  const body = (): tf.Tensor[] => run(given);
  try {
    // These compile, too.
    use('own');
    const ours = tf.tidy(body);
    use('stock');
    const theirs = tf.tidy(body);
    const difference = await largestDifference(ours, theirs);
    tf.dispose([ours, theirs]);
    const [own, stock]: [number[], number[]] = [[], []];
    const passes = await passesFor(body, use);
    for (let round = 0; round < rounds; round++) {
      use('own');
      own.push((await timeOnce(repeated(body, passes))) / passes);
      use('stock');
      stock.push((await timeOnce(repeated(body, passes))) / passes);
    }
    const times = { own: Math.min(...own), stock: Math.min(...stock) };
    const ratio = times.stock / times.own;
    return { kernel, shape, ...times, ratio, difference, kept: ratio > 1 && difference <= SAME };
  } finally {
    tf.dispose(given);
  }
}

/** Pages round timestamps to a tenth of a millisecond, and a kernel of a GPU may take less; so both sides run often enough for this, within bounds. */
const LONG_ENOUGH = 2;
const MOST_PASSES = 64;

async function passesFor(body: () => tf.Tensor[], use: (which: 'own' | 'stock') => void): Promise<number> {
  let passes = 1;
  for (const which of ['own', 'stock'] as const) {
    use(which);
    while (passes < MOST_PASSES && (await timeOnce(repeated(body, passes))) < LONG_ENOUGH) passes *= 2;
  }
  return passes;
}

/** Results are disposed at once, so that one pass takes the buffers of another. */
function repeated(body: () => tf.Tensor[], passes: number): () => tf.Tensor[] {
  return () => {
    for (let pass = 0; pass < passes; pass++) tf.dispose(tf.tidy(body));
    return [];
  };
}

async function largestDifference(
  actual: readonly tf.Tensor[],
  expected: readonly tf.Tensor[],
): Promise<number> {
  if (actual.length !== expected.length) return Infinity;
  let most = 0;
  for (const [i, tensor] of actual.entries()) {
    const [a, e] = [await tensor.data<'float32'>(), await expected[i]!.data<'float32'>()];
    const size = e.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30);
    a.forEach((value, j) => {
      const difference = Math.abs(value - e[j]!) / size;
      most = Number.isNaN(difference) ? Infinity : Math.max(most, difference);
    });
  }
  return most;
}

/**
 * Uses from now on what was faster in the table: the program for products, and each other kernel or, where it lost by the geometric mean over its shapes,
 * plain ops. Kernels that the table does not have stay as they are. Times differ from run to run, and with them the choice and the last bits of results:
 * keep the table rather than measure again where runs are to be repeated.
 */
export function keepFasterKernels(table: readonly KernelComparison[]): void {
  const lost: string[] = [];
  for (const [kernel, rows] of groupBy(table, ({ kernel }) => kernel)) {
    if (!PROGRAM.test(kernel) && !wins(rows)) lost.push(kernel);
  }
  const options = { deterministic: isDeterministic(), halfPrecision: isHalfPrecision() };
  removeTrainingKernels();
  dropKernels(lost);
  installTrainingKernels(options);
  const products = table.filter(({ kernel }) => PROGRAM.test(kernel));
  if (products.length === 0) return;
  chooseProductPrograms({
    few: fastest(products.filter((row) => resultSize(row) <= FEW)),
    many: fastest(products.filter((row) => resultSize(row) > FEW)),
  });
}

const PROGRAM = /^matMul \((\w+)\)$/;

function fastest(rows: readonly KernelComparison[]): ProductProgram {
  let best: ProductProgram = 'tfjs';
  let most = 1;
  for (const [kernel, own] of groupBy(rows, (row) => row.kernel)) {
    const mean = meanRatio(own);
    if (mean > most && own.every(({ difference }) => difference <= SAME))
      [best, most] = [PROGRAM.exec(kernel)![1] as ProductProgram, mean];
  }
  return best;
}

/** Rows times columns of '[rows, inner]ᵀ × [inner, columns]ᵀ'. */
function resultSize({ shape }: KernelComparison): number {
  const [rows, , , columns] = shape.match(/\d+/g)!.map(Number);
  return rows! * columns!;
}

function wins(rows: readonly KernelComparison[]): boolean {
  return meanRatio(rows) > 1 && rows.every(({ difference }) => difference <= SAME);
}

function meanRatio(rows: readonly KernelComparison[]): number {
  return Math.exp(rows.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / rows.length);
}

function groupBy<T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
