/** Maxima and minima over any axes of a float32 tensor, by our module. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, shared, sizeOf } from './heap.js';
import { nativeFunctions } from './native/module.js';
import { reduceRuns } from './native/reduce-runs.js';

/** As a new tensor owned by the caller; `null` where the stock kernel is to be used: other types, or without our module. */
export function reduceExtremes(
  backend: BackendWasm,
  x: tf.TensorInfo,
  axis: number | number[],
  keepDims: boolean,
  which: 'max' | 'min',
): tf.TensorInfo | null {
  const native = nativeFunctions(backend);
  if (native === undefined || x.dtype !== 'float32') return null;
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
  const shape = x.shape.flatMap((extent, i) => (!axes.includes(i) ? [extent] : keepDims ? [1] : []));
  if (axes.length === 0) return shared(backend, x);
  if (sizeOf(x.shape) === 0) {
    const output = allocate(backend, shape);
    floats(backend, output).fill(which === 'max' ? -Infinity : Infinity);
    return output;
  }
  const along = which === 'max' ? native.maxAlongRows : native.minAlongRows;
  const over = which === 'max' ? native.maxOverRows : native.minOverRows;
  return reduceRuns(backend, x, axes, shape, ({ from, to, outer, rows, columns }) => {
    if (columns === 1) along(from, to, outer, rows);
    else over(from, to, outer, rows, columns);
  });
}
