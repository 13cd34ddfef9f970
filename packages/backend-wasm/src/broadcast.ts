/**
 * Two operands under broadcasting, reduced to what a loop over rows needs: neighbouring axes along which each operand either
 * moves or repeats are one axis, so that most pairs of shapes come down to one or two.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from './heap.js';

/** An axis of the result; `aStride` and `bStride` are in elements, 0 where the operand repeats. */
export interface BroadcastAxis {
  readonly extent: number;
  readonly aStride: number;
  readonly bStride: number;
}

export interface Broadcast {
  readonly shape: number[];
  /** Outermost first; none for a single element. The innermost strides are 0 or 1. */
  readonly axes: readonly BroadcastAxis[];
}

/** How `aShape` and `bShape` meet; throws what tfjs-core throws where they do not. */
export function broadcast(aShape: readonly number[], bShape: readonly number[]): Broadcast {
  const shape = tf.broadcast_util.assertAndGetBroadcastShape([...aShape], [...bShape]);
  const aMoves = moves(aShape, shape);
  const bMoves = moves(bShape, shape);
  const merged: { extent: number; a: boolean; b: boolean }[] = [];
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const a = aMoves[axis]!;
    const b = bMoves[axis]!;
    const last = merged[merged.length - 1];
    if (last?.a === a && last.b === b) last.extent *= extent;
    else merged.push({ extent, a, b });
  });
  const axes = merged.map(({ extent, a, b }, i) => {
    const inner = merged.slice(i + 1);
    return {
      extent,
      aStride: a ? sizeOf(inner.map((axis) => (axis.a ? axis.extent : 1))) : 0,
      bStride: b ? sizeOf(inner.map((axis) => (axis.b ? axis.extent : 1))) : 0,
    };
  });
  return { shape, axes };
}

/** For each axis of the result, whether an operand of shape `own` has more than one element along it. */
function moves(own: readonly number[], shape: readonly number[]): boolean[] {
  const missing = shape.length - own.length;
  return shape.map((_, axis) => axis >= missing && own[axis - missing] !== 1);
}

/** An axis of one element. */
export const SINGLE: BroadcastAxis = { extent: 1, aStride: 0, bStride: 0 };

/**
 * Calls `visit` once for each matrix that the two innermost axes make, with the element where each operand and the result
 * begin.
 */
export function eachMatrix(
  axes: readonly BroadcastAxis[],
  visit: (rows: BroadcastAxis, columns: BroadcastAxis, a: number, b: number, y: number) => void,
): void {
  const columns = axes[axes.length - 1] ?? SINGLE;
  const rows = axes[axes.length - 2] ?? SINGLE;
  const size = rows.extent * columns.extent;
  let y = 0;
  descend(0, 0, 0);

  function descend(axis: number, a: number, b: number): void {
    if (axis >= axes.length - 2) {
      visit(rows, columns, a, b, y);
      y += size;
      return;
    }
    const { extent, aStride, bStride } = axes[axis]!;
    for (let i = 0; i < extent; i++) descend(axis + 1, a + i * aStride, b + i * bStride);
  }
}
