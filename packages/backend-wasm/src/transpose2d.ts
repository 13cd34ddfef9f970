/**
 * The transpose of a batch of matrices on the heap. The stock kernel takes 0.3–0.6 ns per element, but writes columns:
 * when the output's rows are a multiple of 512 bytes long these fall into the same cache sets and it takes 3–7 ns.
 * A blocked loop takes 1 ns whatever the shape.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, idOf, sizeOf } from './heap.js';
import { shapeBytes, stockFunctions } from './stock-functions.js';

const BLOCK = 32;

/** The module's number for the type float32. */
const FLOAT32 = 0;

/** True where the stock kernel's writes collide: output rows of a multiple of 128 floats, in a matrix that leaves the cache. */
export function transposeCollides(rows: number, columns: number): boolean {
  return rows % 128 === 0 && rows * columns > 16_384;
}

/** `[rows, columns]` to `[columns, rows]`; the caller owns the result. */
export function transpose2d(
  backend: BackendWasm,
  matrix: tf.TensorInfo,
  rows: number,
  columns: number,
): tf.TensorInfo {
  const output = allocate(backend, [columns, rows]);
  transpose2dInto(backend, matrix, rows, columns, output);
  return output;
}

/** `[rows, columns]` to `[columns, rows]`, written into `output`. */
export function transpose2dInto(
  backend: BackendWasm,
  matrix: tf.TensorInfo,
  rows: number,
  columns: number,
  output: tf.TensorInfo,
): void {
  if (rows * columns === 0) return;
  if (transposeCollides(rows, columns)) {
    transposeInto(floats(backend, matrix), floats(backend, output), rows, columns);
    return;
  }
  stockFunctions(backend).transpose(
    idOf(backend, matrix),
    shapeBytes([rows, columns]),
    2,
    FLOAT32,
    idOf(backend, output),
    shapeBytes([1, 0]),
    2,
  );
}

/** Writes the transpose of a `[rows, columns]` matrix, in blocks that stay in the cache. */
export function transposeInto(
  source: Float32Array,
  target: Float32Array,
  rows: number,
  columns: number,
): void {
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(rows, top + BLOCK);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(columns, left + BLOCK);
      for (let column = left; column < right; column++) {
        const to = column * rows;
        let from = top * columns + column;
        for (let row = top; row < bottom; row++) {
          target[to + row] = source[from]!;
          from += columns;
        }
      }
    }
  }
}

/** Whether `perm` of `shape` swaps two neighbouring groups of axes: then the tensor is a `[rows, columns]` matrix and this its transpose. */
export function asMatrixTranspose(
  shape: readonly number[],
  perm: readonly number[],
): { rows: number; columns: number } | null {
  const axes = perm.filter((axis) => shape[axis] !== 1);
  const first = axes[0];
  if (first === undefined) return null;
  const split = axes.findIndex((axis, i) => i > 0 && axis < axes[i - 1]!);
  if (split < 0) return null;
  const rotated = [...axes.slice(split), ...axes.slice(0, split)];
  if (rotated.some((axis, i) => i > 0 && axis < rotated[i - 1]!)) return null;
  const columns = sizeOf(axes.slice(0, split).map((axis) => shape[axis]!));
  return { rows: sizeOf(shape) / columns, columns };
}
