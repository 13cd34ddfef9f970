/**
 * C = op(A)·op(B) for two matrices on the heap, by our own module or, where that is off, by the stock product of untransposed matrices (XNNPACK, through the
 * module's own `BatchMatMul`) and explicit transposes. It is the way every gradient of a dense layer takes.
 *
 * XNNPACK first packs the right operand, at about 2 ns per element, four times what a transpose costs. So C is computed
 * either as op(A)·op(B) or as (op(B)ᵀ·op(A)ᵀ)ᵀ, whichever moves less. Both sum over the inner dimension in the same order.
 * The packed operand is kept by the module as long as its tensor lives: a right operand seen before is worth packing. The
 * module knows it by its number alone, so the same memory under another shape (a reshape) goes in under a number of its own.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, idOf, openWindow, release, releaseWindow } from './heap.js';
import { nativeFunctions } from './native/module.js';
import { pointerTo } from './native/pointers.js';
import { shapeBytes, stockFunctions } from './stock-functions.js';
import { multiplyMatrices } from './threads/gemm.js';
import { transpose2d, transpose2dInto, transposeCollides } from './transpose2d.js';

/** Costs in nanoseconds per element, measured; only their ratios matter. */
const PACK = 2.1;
const TRANSPOSE = 0.5;
const TRANSPOSE_COLLIDING = 1.0;

interface Packing {
  readonly rows: number;
  readonly columns: number;
  /** How often the tensor has been a right operand of this shape without a transpose. */
  uses: number;
}

/** What the module has packed, by the tensor's `dataId`: the shape it was packed in does not change. */
const packings = new WeakMap<object, Packing>();

export interface Operand {
  /** A tensor of `rows`×`columns` elements; its own shape is not looked at. */
  readonly tensor: tf.TensorInfo;
  readonly rows: number;
  readonly columns: number;
  readonly transpose: boolean;
}

/**
 * Writes op(A)·op(B) into `output`, a tensor of m×n elements, finished by `epilogue` (`epilogueOf`), which needs our module. Owns nothing
 * afterwards.
 */
export function multiplyInto(
  backend: BackendWasm,
  a: Operand,
  b: Operand,
  output: tf.TensorInfo,
  epilogue = 0,
): void {
  const [m, k] = a.transpose ? [a.columns, a.rows] : [a.rows, a.columns];
  const n = b.transpose ? b.rows : b.columns;
  if (m * n === 0) return;
  if (nativeFunctions(backend) !== undefined) {
    multiplyMatrices(backend, {
      m,
      n,
      k,
      a: pointerTo(backend, a.tensor),
      aStride: 4 * a.columns,
      transposeA: a.transpose,
      b: pointerTo(backend, b.tensor),
      bStride: 4 * b.columns,
      transposeB: b.transpose,
      c: pointerTo(backend, output),
      cRowBytes: 4 * n,
      cColumnBytes: 4,
      accumulate: false,
      epilogue,
    });
    return;
  }
  if (k === 0) {
    floats(backend, output).fill(0);
    return;
  }
  const earlier = b.transpose ? 0 : countUse(b);
  const direct =
    (a.transpose ? transposeCost(a) : 0) +
    (b.transpose ? transposeCost(b) : 0) +
    (k * n * PACK) / (1 + earlier);
  const swapped =
    (a.transpose ? 0 : transposeCost(a)) +
    (b.transpose ? 0 : transposeCost(b)) +
    k * m * PACK +
    transposeCost({ rows: n, columns: m });
  if (direct <= swapped) {
    productInto(backend, a, b, m, k, n, output);
    return;
  }
  const transposed = allocate(backend, [n, m]);
  productInto(backend, flip(b), flip(a), n, k, m, transposed);
  transpose2dInto(backend, transposed, n, m, output);
  release(backend, transposed);
}

/** The product as a new `[m, n]` tensor, owned by the caller. */
export function multiply(backend: BackendWasm, a: Operand, b: Operand): tf.TensorInfo {
  const output = allocate(backend, [a.transpose ? a.columns : a.rows, b.transpose ? b.rows : b.columns]);
  multiplyInto(backend, a, b, output);
  return output;
}

/** Counts one more use as a right operand and returns how many there were before; 0 when it was packed in another shape. */
function countUse({ tensor, rows, columns }: Operand): number {
  const packing = packings.get(tensor.dataId);
  if (packing === undefined) {
    packings.set(tensor.dataId, { rows, columns, uses: 1 });
    return 0;
  }
  return packing.rows === rows && packing.columns === columns ? packing.uses++ : 0;
}

/** The operand of the transposed product. */
function flip(operand: Operand): Operand {
  return { ...operand, transpose: !operand.transpose };
}

function transposeCost({ rows, columns }: { rows: number; columns: number }): number {
  return rows * columns * (transposeCollides(rows, columns) ? TRANSPOSE_COLLIDING : TRANSPOSE);
}

/** op(A)·op(B) with m×k and k×n, each transposed first where it says so. */
function productInto(
  backend: BackendWasm,
  a: Operand,
  b: Operand,
  m: number,
  k: number,
  n: number,
  output: tf.TensorInfo,
): void {
  const left = a.transpose ? transpose2d(backend, a.tensor, a.rows, a.columns) : a.tensor;
  const right = b.transpose ? transpose2d(backend, b.tensor, b.rows, b.columns) : packable(backend, b);
  stockFunctions(backend).matrixProduct(
    idOf(backend, left),
    shapeBytes([1, m, k]),
    3,
    idOf(backend, right),
    shapeBytes([1, k, n]),
    3,
    false,
    false,
    idOf(backend, output),
  );
  if (left !== a.tensor) release(backend, left);
  if (b.transpose) release(backend, right);
  else if (right !== b.tensor) releaseWindow(backend, right);
}

/** The tensor itself, or a window of all of it where the module has packed it in another shape. */
function packable(backend: BackendWasm, { tensor, rows, columns }: Operand): tf.TensorInfo {
  const packing = packings.get(tensor.dataId);
  if (packing === undefined) {
    packings.set(tensor.dataId, { rows, columns, uses: 0 });
    return tensor;
  }
  const fits = packing.rows === rows && packing.columns === columns;
  return fits ? tensor : openWindow(backend, tensor, 0, [rows, columns]);
}
