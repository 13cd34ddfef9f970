/**
 * Maximum, minimum and comparisons of float32 tensors, in vectors (the stock kernels take 3–7 ns per element, and 50–90 where
 * a column is broadcast). Sums, differences, products and quotients are left to tfjs-wasm but for those with a short row, such
 * as a bias of a few channels, over which its loops are too short.
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
import { runStock } from '../stock.js';

/** Functions of our module that take (a, its row stride, its step, b, …, y, rows, columns). */
type BinaryFunction = NativeFunctions['maximum'];

/** Elements in a row below which rows are joined to longer ones. */
const SHORT = 512;

/** Elements that they are joined to. */
const JOINED = 512;

function binary(
  kernelName: string,
  choose: (native: NativeFunctions) => BinaryFunction,
  dtype: 'float32' | 'bool',
  shortRowsOnly = false,
): TrainingKernel {
  return defineKernel<{ a: tf.TensorInfo; b: tf.TensorInfo }>(kernelName, ({ inputs: { a, b }, backend }) => {
    const native = nativeFunctions(backend);
    if (native === undefined || a.dtype !== 'float32' || b.dtype !== 'float32') {
      return runStock(kernelName, { a, b }, backend);
    }
    const { shape, axes } = broadcast(a.shape, b.shape);
    const short = hasShortRow(axes);
    if (shortRowsOnly && !short) return runStock(kernelName, { a, b }, backend);
    const y = backend.makeOutput(shape, dtype);
    if (sizeOf(shape) === 0) return y;
    const compute = choose(native);
    const at = { a: pointerTo(backend, a), b: pointerTo(backend, b), y: pointerTo(backend, y) };
    if (short) computeJoined(backend, native, compute, axes as [BroadcastAxis, BroadcastAxis], at, dtype);
    else
      eachMatrix(axes, (rows, columns, aStart, bStart, yStart) => {
        compute(
          at.a + 4 * aStart,
          rows.aStride,
          columns.aStride,
          at.b + 4 * bStart,
          rows.bStride,
          columns.bStride,
          at.y + (dtype === 'bool' ? 1 : 4) * yStart,
          rows.extent,
          columns.extent,
        );
      });
    return y;
  });
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

/** The same with rows joined, and the short row repeated as often in working space. */
function computeJoined(
  backend: BackendWasm,
  native: NativeFunctions,
  compute: BinaryFunction,
  [rows, columns]: readonly [BroadcastAxis, BroadcastAxis],
  at: { readonly a: number; readonly b: number; readonly y: number },
  dtype: 'float32' | 'bool',
): void {
  const joined = Math.ceil(JOINED / columns.extent);
  const length = joined * columns.extent;
  const block = scratch(backend, 'short row', 4 * length);
  const aRepeats = rows.aStride === 0;
  native.spread(aRepeats ? at.a : at.b, 0, 1, block, joined, columns.extent);
  const whole = Math.floor(rows.extent / joined);
  const a = aRepeats ? block : at.a;
  const b = aRepeats ? at.b : block;
  const [aStride, bStride] = aRepeats ? [0, length] : [length, 0];
  compute(a, aStride, 1, b, bStride, 1, at.y, whole, length);
  const rest = (rows.extent - whole * joined) * columns.extent;
  if (rest === 0) return;
  const done = whole * length;
  compute(
    aRepeats ? a : a + 4 * done,
    0,
    1,
    aRepeats ? b + 4 * done : b,
    0,
    1,
    at.y + (dtype === 'bool' ? 1 : 4) * done,
    1,
    rest,
  );
}

export const binaryKernels: readonly TrainingKernel[] = [
  binary('Add', ({ add }) => add, 'float32', true),
  binary(RELU_GRADIENT, ({ reluGradient }) => reluGradient, 'float32'),
  binary(SIGMOID_GRADIENT, ({ sigmoidGradient }) => sigmoidGradient, 'float32'),
  binary(TANH_GRADIENT, ({ tanhGradient }) => tanhGradient, 'float32'),
  binary('Equal', ({ equal }) => equal, 'bool'),
  binary('Greater', ({ greater }) => greater, 'bool'),
  binary('GreaterEqual', ({ greaterEqual }) => greaterEqual, 'bool'),
  binary('Less', ({ less }) => less, 'bool'),
  binary('LessEqual', ({ lessEqual }) => lessEqual, 'bool'),
  binary('Maximum', ({ maximum }) => maximum, 'float32'),
  binary('Minimum', ({ minimum }) => minimum, 'float32'),
  binary('Multiply', ({ multiply }) => multiply, 'float32', true),
  binary('NotEqual', ({ notEqual }) => notEqual, 'bool'),
  binary('RealDiv', ({ divide }) => divide, 'float32', true),
  binary('Sub', ({ subtract }) => subtract, 'float32', true),
];
