/**
 * A reduction over any axes as reductions of `[outer, rows, columns]` to `[outer, columns]`, one for each run of neighbouring
 * axes, the last run first. Axes of extent 1 belong to no run.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, release, shared, sizeOf } from '../heap.js';
import { pointerTo } from './pointers.js';

/** One of them: `from` and `to` are addresses of float32s. */
export interface RunReduction {
  readonly from: number;
  readonly to: number;
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
  /** True for the one that writes the result. */
  readonly last: boolean;
}

/** Reduces the float32 tensor `x`, which is not empty, over `axes` (ascending, at least one) to `shape`; the caller owns the result. */
export function reduceRuns(
  backend: BackendWasm,
  x: tf.TensorInfo,
  axes: readonly number[],
  shape: readonly number[],
  reduce: (run: RunReduction) => void,
): tf.TensorInfo {
  const first = axes[0]!;
  const end = axes[axes.length - 1]! + 1;
  if (end - first === axes.length) {
    const result = allocate(backend, shape);
    reduce({
      from: pointerTo(backend, x),
      to: pointerTo(backend, result),
      outer: sizeOf(x.shape.slice(0, first)),
      rows: sizeOf(x.shape.slice(first, end)),
      columns: sizeOf(x.shape.slice(end)),
      last: true,
    });
    return result;
  }
  const groups: { extent: number; reduced: boolean }[] = [];
  x.shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const reduced = axes.includes(axis);
    const group = groups[groups.length - 1];
    if (group?.reduced === reduced) group.extent *= extent;
    else groups.push({ extent, reduced });
  });
  let current = x;
  for (;;) {
    const at = groups.findLastIndex(({ reduced }) => reduced);
    if (at < 0) break;
    const extents = groups.map(({ extent }) => extent);
    const outer = sizeOf(extents.slice(0, at));
    const columns = sizeOf(extents.slice(at + 1));
    groups.splice(at, 1);
    const last = !groups.some(({ reduced }) => reduced);
    const next = allocate(backend, last ? shape : [outer * columns]);
    const from = pointerTo(backend, current);
    reduce({ from, to: pointerTo(backend, next), outer, rows: extents[at]!, columns, last });
    if (current !== x) release(backend, current);
    current = next;
  }
  return current === x ? shared(backend, x, [...shape]) : current;
}
