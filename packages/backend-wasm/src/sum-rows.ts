/**
 * The sum over the middle axis of `[outer, rows, columns]`, in float32 on the heap. XNNPACK's average pooling over 64 rows
 * takes 0.07 ns per element, and undoing its division by a power of two is exact, so sums of whole numbers stay whole.
 * What 64 does not divide is pooled by 8, and the partial sums are added in float64.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, openWindow, release, releaseWindow } from './heap.js';
import { stockKernels } from './stock.js';

/** Rows per pooling window; powers of two, so that the division is exact. */
const WINDOWS = [64, 8];

/** Below this many elements a plain loop beats the cost of a call. */
const LOOP_LIMIT = 1_024;

/**
 * The sums, as a Float64Array of `outer`×`columns`; allocates and frees on the heap on its way. Pooling clamps its output to
 * [−∞, ∞] in a way that turns NaN into −∞, so where a pooled sum is not finite the loop decides what it is.
 */
export function sumRows(
  backend: BackendWasm,
  x: tf.TensorInfo,
  outer: number,
  rows: number,
  columns: number,
): Float64Array {
  const sums = new Float64Array(outer * columns);
  for (let o = 0; o < outer; o++) {
    const target = sums.subarray(o * columns, (o + 1) * columns);
    let done = 0;
    if (rows * columns > LOOP_LIMIT) {
      for (const window of WINDOWS) {
        const blocks = Math.floor((rows - done) / window);
        if (blocks === 0) continue;
        poolRows(backend, x, (o * rows + done) * columns, blocks, window, columns, target);
        done += blocks * window;
      }
    }
    if (done > 0 && !target.every(Number.isFinite)) {
      target.fill(0);
      done = 0;
    }
    const start = (o * rows + done) * columns;
    addRows(floats(backend, x), start, rows - done, columns, 1, target);
  }
  return sums;
}

function poolRows(
  backend: BackendWasm,
  x: tf.TensorInfo,
  offset: number,
  blocks: number,
  window: number,
  columns: number,
  target: Float64Array,
): void {
  const image = openWindow(backend, x, offset, [1, blocks * window, 1, columns]);
  const means = stockKernels.run('AvgPool', { x: image }, backend, {
    filterSize: [window, 1],
    strides: [window, 1],
    pad: 'valid',
  });
  releaseWindow(backend, image);
  addRows(floats(backend, means), 0, blocks, columns, window, target);
  release(backend, means);
}

/** target[j] += factor · Σᵢ x[start + i·columns + j], four rows at a time. */
function addRows(
  x: Float32Array,
  start: number,
  rows: number,
  columns: number,
  factor: number,
  target: Float64Array,
): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const p = start + i * columns;
    const q = p + columns;
    const r = q + columns;
    const s = r + columns;
    for (let j = 0; j < columns; j++) {
      target[j]! += factor * (x[p + j]! + x[q + j]! + x[r + j]! + x[s + j]!);
    }
  }
  for (; i < rows; i++) {
    const p = start + i * columns;
    for (let j = 0; j < columns; j++) target[j]! += factor * x[p + j]!;
  }
}
