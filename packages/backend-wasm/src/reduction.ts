/** Sums and means over any axes of a float32 tensor: by our module where it runs, else by pooling over one run of neighbouring axes. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, sizeOf } from './heap.js';
import { nativeFunctions } from './native/module.js';
import { reduceRuns } from './native/reduce-runs.js';
import { scratch } from './native/scratch.js';
import { sumRows } from './sum-rows.js';

export interface ReductionAttributes {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/** Columns that our module may lay side by side when there are few. */
const SUMS_WIDTH = 96;

/** Elements in a row below which the stock kernel sums rows faster. */
const SHORT_RUN = 16;

/** Width the sum over everything is folded to, so that it too runs over rows. */
const FOLD = 1_024;

/**
 * Sum over `axis` divided by `divide ? count : 1`, as a new tensor owned by the caller; `null` where the stock kernel is
 * to be used: other types than float32 and, without our module, only trailing axes and axes that are not neighbours. Over nothing the sum
 * is 0 and the mean NaN (the stock kernels leave whatever the memory held).
 */
export function reduceAxes(
  backend: BackendWasm,
  x: tf.TensorInfo,
  { axis, keepDims }: ReductionAttributes,
  divide: boolean,
): tf.TensorInfo | null {
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
  const first = axes[0];
  const size = sizeOf(x.shape);
  const shape = x.shape.flatMap((extent, i) => (!axes.includes(i) ? [extent] : keepDims ? [1] : []));
  if (size === 0) {
    const output = backend.makeOutput(shape, divide ? 'float32' : x.dtype);
    backend.typedArrayFromHeap(output).fill(divide ? NaN : 0);
    return output;
  }
  if (x.dtype !== 'float32' || first === undefined) return null;
  const native = nativeFunctions(backend);
  if (native !== undefined) {
    const count = size / sizeOf(shape);
    if (count < SHORT_RUN && first === x.shape.length - axes.length) return null;
    return reduceRuns(backend, x, axes, shape, ({ from, to, outer, rows, columns, last }) => {
      const divisor = divide && last ? count : 1;
      if (columns === 1) native.sumAlongRows(from, to, outer, rows, divisor);
      else {
        const sums = scratch(backend, 'sums', 8 * Math.max(columns, SUMS_WIDTH));
        native.sumOverRows(from, to, sums, outer, rows, columns, divisor);
      }
    });
  }
  const last = axes[axes.length - 1]!;
  if (last - first !== axes.length - 1) return null;
  const outer = sizeOf(x.shape.slice(0, first));
  const rows = sizeOf(x.shape.slice(first, last + 1));
  const columns = sizeOf(x.shape.slice(last + 1));
  const everything = rows === size;
  if (columns === 1 && !(everything && size >= 2 * FOLD)) return null;
  const sums = everything
    ? new Float64Array([total(backend, x, size)])
    : sumRows(backend, x, outer, rows, columns);
  if (divide) for (let i = 0; i < sums.length; i++) sums[i]! /= rows;
  const output = allocate(backend, shape);
  floats(backend, output).set(sums);
  return output;
}

/** The sum of all elements: as rows of `FOLD`, then across, then the rest. */
function total(backend: BackendWasm, x: tf.TensorInfo, size: number): number {
  const rows = Math.floor(size / FOLD);
  let sum = 0;
  for (const part of sumRows(backend, x, 1, rows, FOLD)) sum += part;
  const values = floats(backend, x);
  for (let i = rows * FOLD; i < size; i++) sum += values[i]!;
  return sum;
}
