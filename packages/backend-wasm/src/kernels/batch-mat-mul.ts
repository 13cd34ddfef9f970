/**
 * BatchMatMul: op(A)·op(B) over broadcast batch dimensions, each product by our own GEMM or, where our module is off, by
 * `multiplyInto`.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { requireArgument } from '@apo/core';
import { allocate, openWindow, releaseWindow, reshaped, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { multiplyInto } from '../matrix-product.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { stockKernels } from '../stock.js';
import { multiplyMatrices } from '../threads/gemm.js';
import type { Product } from '../threads/gemm.js';

export interface MatMulInputs {
  readonly a: tf.TensorInfo;
  readonly b: tf.TensorInfo;
}

export interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Below this many multiplications per matrix the stock scalar loop is quicker than setting XNNPACK up. */
const SCALAR_LIMIT = 2_048;

export const batchMatMul = defineKernel<MatMulInputs, MatMulAttributes>(
  'BatchMatMul',
  ({ inputs, attrs, backend }) => batchProduct(backend, inputs, attrs),
);

/**
 * The product as a new tensor `[...batch, m, n]`, owned by the caller; finished by `epilogue` (`epilogueOf`), which needs our module.
 * @throws ApoError `INVALID_ARGUMENT` when the inner dimensions differ; Error when the batch dimensions do not broadcast.
 */
export function batchProduct(
  backend: BackendWasm,
  inputs: MatMulInputs,
  { transposeA, transposeB }: MatMulAttributes,
  epilogue = 0,
): tf.TensorInfo {
  const { a, b } = inputs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32') {
    return stockKernels.run('BatchMatMul', { a, b }, backend, { transposeA, transposeB });
  }
  const [aRows, aColumns] = matrixShape(a);
  const [bRows, bColumns] = matrixShape(b);
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  requireArgument(
    k === inner,
    () =>
      `matMul of [${a.shape.join()}] and [${b.shape.join()}] with transposeA=${transposeA} and ` +
      `transposeB=${transposeB} has inner dimensions ${k} and ${inner}; expected them equal.`,
  );
  const aBatch = a.shape.slice(0, -2);
  const bBatch = b.shape.slice(0, -2);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
  if (nativeFunctions(backend) !== undefined) {
    const output = allocate(backend, [...batch, m, n]);
    nativeProducts(
      backend,
      inputs,
      { m, n, k, transposeA, transposeB, batch, aBatch, bBatch },
      output,
      epilogue,
    );
    return output;
  }
  const output = allocate(backend, [...batch, m, n]);
  const left = { rows: aRows, columns: aColumns, transpose: transposeA };
  const right = { tensor: b, rows: bRows, columns: bColumns, transpose: transposeB };
  const count = sizeOf(batch);
  if (sizeOf(bBatch) === 1 && (count === 1 || (!transposeA && sizeOf(aBatch) === count))) {
    // One right operand for all: the batch is just more rows.
    multiplyInto(backend, { ...left, tensor: a, rows: aRows * (transposeA ? 1 : count) }, right, output);
    return output;
  }
  const scalar = m * k * n <= SCALAR_LIMIT && sizeOf(aBatch) === count && sizeOf(bBatch) === count;
  if (scalar && count > 1 && k > 0) {
    backend.disposeData(output.dataId);
    const x = reshaped(a, [count, aRows, aColumns]);
    const y = reshaped(b, [count, bRows, bColumns]);
    const product = stockKernels.run('BatchMatMul', { a: x, b: y }, backend, { transposeA, transposeB });
    return reshaped(product, [...batch, m, n]);
  }
  for (let i = 0; i < count; i++) {
    const x = openWindow(backend, a, flatIndex(i, batch, aBatch) * m * k, [aRows, aColumns]);
    const y = openWindow(backend, b, flatIndex(i, batch, bBatch) * k * n, [bRows, bColumns]);
    const z = openWindow(backend, output, i * m * n, [m, n]);
    multiplyInto(backend, { ...left, tensor: x }, { ...right, tensor: y }, z);
    for (const window of [x, y, z]) releaseWindow(backend, window);
  }
  return output;
}

interface BatchShape {
  /** op(A) is m×k, op(B) k×n. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly batch: readonly number[];
  readonly aBatch: readonly number[];
  readonly bBatch: readonly number[];
}

function nativeProducts(
  backend: BackendWasm,
  { a, b }: MatMulInputs,
  { m, n, k, transposeA, transposeB, batch, aBatch, bBatch }: BatchShape,
  output: tf.TensorInfo,
  epilogue: number,
): void {
  const count = sizeOf(batch);
  if (count * m * n === 0) return;
  const x = pointerTo(backend, a);
  const y = pointerTo(backend, b);
  const z = pointerTo(backend, output);
  const [aCount, bCount] = [sizeOf(aBatch), sizeOf(bBatch)];
  // One right operand for all: the batch is just more rows.
  const merged = !transposeA && bCount === 1 && aCount === count;
  // Written out: spreading an object costs more than a small product.
  const product: Product = {
    m: merged ? m * count : m,
    n,
    k,
    transposeA,
    transposeB,
    a: x,
    aStride: 4 * (transposeA ? m : k),
    b: y,
    bStride: 4 * (transposeB ? k : n),
    c: z,
    cRowBytes: 4 * n,
    cColumnBytes: 4,
    accumulate: false,
    epilogue,
  };
  if (merged || count === 1) {
    multiplyMatrices(backend, product);
    return;
  }
  if ((aCount === 1 || aCount === count) && (bCount === 1 || bCount === count)) {
    const aStep = aCount === 1 ? 0 : 4 * m * k;
    const bStep = bCount === 1 ? 0 : 4 * k * n;
    multiplyMatrices(backend, product, { count, aStep, bStep, cStep: 4 * m * n });
    return;
  }
  for (let i = 0; i < count; i++) {
    multiplyMatrices(backend, {
      ...product,
      a: x + 4 * flatIndex(i, batch, aBatch) * m * k,
      b: y + 4 * flatIndex(i, batch, bBatch) * k * n,
      c: z + 4 * i * m * n,
    });
  }
}

function matrixShape({ shape }: tf.TensorInfo): [number, number] {
  return [shape[shape.length - 2]!, shape[shape.length - 1]!];
}

/** Where the `i`-th element of `outer` falls in `own`, a shape that broadcasts to it. */
function flatIndex(i: number, outer: readonly number[], own: readonly number[]): number {
  let index = 0;
  let stride = 1;
  let rest = i;
  for (let axis = outer.length - 1, j = own.length - 1; j >= 0; axis--, j--) {
    const extent = own[j]!;
    if (extent > 1) index += (rest % outer[axis]!) * stride;
    stride *= extent;
    rest = Math.floor(rest / outer[axis]!);
  }
  return index;
}
