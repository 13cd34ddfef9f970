/**
 * Sums, differences, products, quotients, maxima, minima and comparisons of float32 tensors, in vectors and on all threads (the
 * stock kernels take 3–7 ns per element for the last three, 50–90 where a column is broadcast, and one thread). Other types are
 * left to tfjs-wasm.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { broadcast, eachMatrix, SINGLE } from '../broadcast.js';
import type { BroadcastAxis } from '../broadcast.js';
import { sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import type { TrainingKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import type { NativeFunctions } from '../native/modules.generated.js';
import { pointerTo } from '../native/pointers.js';
import { scratch } from '../native/scratch.js';
import { RELU_GRADIENT, SIGMOID_GRADIENT, TANH_GRADIENT } from './own-kernels.js';
import { stockKernels } from '../stock.js';
import { job, parallelFor, splitRange, threadCount } from '../threads/parallel.js';

/** Functions of our module that take (a, its row stride, its step, b, …, y, rows, columns). */
type BinaryFunction =
  | 'add'
  | 'divide'
  | 'equal'
  | 'greater'
  | 'greaterEqual'
  | 'less'
  | 'lessEqual'
  | 'maximum'
  | 'minimum'
  | 'multiply'
  | 'notEqual'
  | 'reluGradient'
  | 'sigmoidGradient'
  | 'subtract'
  | 'tanhGradient';

/** Elements in a row below which rows are joined to longer ones. */
const SHORT = 512;

/** Elements that they are joined to. */
const JOINED = 512;

/** Elements worth a thread. */
const GRAIN = 40_000;

/** Elements of a matrix below which the stock kernels of arithmetic beat a call for each of many. */
const SMALL = 512;

interface BinaryOptions {
  readonly dtype?: 'float32' | 'bool';
  /** The stock kernel computes in vectors, too. */
  readonly stockIsVector?: boolean;
}

function binary(
  kernelName: string,
  compute: BinaryFunction,
  { dtype = 'float32', stockIsVector = false }: BinaryOptions = {},
): TrainingKernel {
  return defineKernel<{ a: tf.TensorInfo; b: tf.TensorInfo }>(kernelName, ({ inputs: { a, b }, backend }) => {
    const native = nativeFunctions(backend);
    if (native === undefined || a.dtype !== 'float32' || b.dtype !== 'float32') {
      return stockKernels.run(kernelName, { a, b }, backend);
    }
    const { shape, axes } = broadcast(a.shape, b.shape);
    const isMany = axes.length > 2 && axes[axes.length - 2]!.extent * axes[axes.length - 1]!.extent < SMALL;
    if (stockIsVector && isMany) return stockKernels.run(kernelName, { a, b }, backend);
    const y = backend.makeOutput(shape, dtype);
    if (sizeOf(shape) === 0) return y;
    const at = { a: pointerTo(backend, a), b: pointerTo(backend, b), y: pointerTo(backend, y) };
    const bytes = dtype === 'bool' ? 1 : 4;
    if (hasShortRow(axes)) {
      computeJoined(backend, native, compute, axes as [BroadcastAxis, BroadcastAxis], at, bytes);
      return y;
    }
    eachMatrix(axes, (rows, columns, aStart, bStart, yStart) => {
      const from = { a: at.a + 4 * aStart, b: at.b + 4 * bStart, y: at.y + bytes * yStart };
      computeMatrix(backend, native, compute, rows, columns, from, bytes);
    });
    return y;
  });
}

/** Addresses of the operands and of the result. */
type Addresses = Readonly<Record<'a' | 'b' | 'y', number>>;

/** One matrix: whole where it is small, else in blocks of rows, or of the columns of a single row. */
function computeMatrix(
  backend: BackendWasm,
  native: NativeFunctions,
  compute: BinaryFunction,
  rows: BroadcastAxis,
  columns: BroadcastAxis,
  at: Addresses,
  bytes: number,
): void {
  const call = (from: Addresses, height: number, width: number): Parameters<NativeFunctions['maximum']> => [
    from.a,
    rows.aStride,
    columns.aStride,
    from.b,
    rows.bStride,
    columns.bStride,
    from.y,
    height,
    width,
  ];
  if (threadCount(backend) === 1 || rows.extent * columns.extent < 2 * GRAIN) {
    native[compute](...call(at, rows.extent, columns.extent));
    return;
  }
  const [split, rest] = rows.extent > 1 ? [rows, columns.extent] : [columns, 1];
  const parts = splitRange(backend, split.extent, {
    grain: Math.ceil(GRAIN / rest),
    multiple: rest === 1 ? 16 : 1,
  });
  const jobs = parts.map(({ start, end }) => {
    const from = {
      a: at.a + 4 * start * split.aStride,
      b: at.b + 4 * start * split.bStride,
      y: at.y + bytes * start * rest,
    };
    return job(compute, ...(rest === 1 ? call(from, 1, end - start) : call(from, end - start, rest)));
  });
  parallelFor(backend, jobs);
}

/** Whether the pair is a matrix and a short row that all its rows meet. */
function hasShortRow(axes: readonly BroadcastAxis[]): boolean {
  const [rows = SINGLE, columns = SINGLE] = axes;
  return (
    axes.length === 2 &&
    columns.extent < SHORT &&
    rows.extent * columns.extent >= 2 * JOINED &&
    columns.aStride === 1 &&
    columns.bStride === 1
  );
}

/** The same for rows that are joined, with the short row repeated as often in working space. */
function computeJoined(
  backend: BackendWasm,
  native: NativeFunctions,
  compute: BinaryFunction,
  [rows, columns]: readonly [BroadcastAxis, BroadcastAxis],
  at: Addresses,
  bytes: number,
): void {
  const joined = Math.ceil(JOINED / columns.extent);
  const length = joined * columns.extent;
  const block = scratch(backend, 'short row', 4 * length);
  const aRepeats = rows.aStride === 0;
  native.spread(aRepeats ? at.a : at.b, 0, 1, block, joined, columns.extent);
  const whole = Math.floor(rows.extent / joined);
  const from = { a: aRepeats ? block : at.a, b: aRepeats ? at.b : block, y: at.y };
  const moves = { extent: length, aStride: 1, bStride: 1 };
  const [aStride, bStride] = aRepeats ? [0, length] : [length, 0];
  computeMatrix(backend, native, compute, { extent: whole, aStride, bStride }, moves, from, bytes);
  const rest = (rows.extent - whole * joined) * columns.extent;
  if (rest === 0) return;
  const done = whole * length;
  const left = {
    a: aRepeats ? block : at.a + 4 * done,
    b: aRepeats ? at.b + 4 * done : block,
    y: at.y + bytes * done,
  };
  computeMatrix(backend, native, compute, SINGLE, { ...moves, extent: rest }, left, bytes);
}

export const binaryKernels: readonly TrainingKernel[] = [
  binary('Add', 'add', { stockIsVector: true }),
  binary(RELU_GRADIENT, 'reluGradient'),
  binary(SIGMOID_GRADIENT, 'sigmoidGradient'),
  binary(TANH_GRADIENT, 'tanhGradient'),
  binary('Equal', 'equal', { dtype: 'bool' }),
  binary('Greater', 'greater', { dtype: 'bool' }),
  binary('GreaterEqual', 'greaterEqual', { dtype: 'bool' }),
  binary('Less', 'less', { dtype: 'bool' }),
  binary('LessEqual', 'lessEqual', { dtype: 'bool' }),
  binary('Maximum', 'maximum'),
  binary('Minimum', 'minimum'),
  binary('Multiply', 'multiply', { stockIsVector: true }),
  binary('NotEqual', 'notEqual', { dtype: 'bool' }),
  binary('RealDiv', 'divide', { stockIsVector: true }),
  binary('Sub', 'subtract', { stockIsVector: true }),
];
