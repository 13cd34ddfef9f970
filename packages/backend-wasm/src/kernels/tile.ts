/**
 * Tile by block copies, innermost axis first (the stock kernel computes every element's index, 30–80 ns each); where only axes
 * of one element are repeated it is a broadcast, and our module's.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import { broadcast, eachMatrix } from '../broadcast.js';
import { sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';

export const tile = defineKernel<{ x: tf.TensorInfo }, { reps: number[] }>(
  'Tile',
  ({ inputs: { x }, attrs: { reps }, backend }) => {
    if (x.dtype === 'string') {
      throw new ApoError(
        'UNSUPPORTED',
        'The WASM backend cannot tile strings; tile numbers, or use the cpu backend.',
      );
    }
    const shape = x.shape.map((extent, axis) => extent * reps[axis]!);
    const output = backend.makeOutput(shape, x.dtype);
    if (sizeOf(shape) === 0) return output;
    const native = x.dtype === 'float32' || x.dtype === 'int32' ? nativeFunctions(backend) : undefined;
    if (native !== undefined && x.shape.every((extent, axis) => extent === 1 || reps[axis] === 1)) {
      const [from, to] = [x, output].map((tensor) => pointerTo(backend, tensor));
      eachMatrix(broadcast(x.shape, shape).axes, (rows, columns, start, _, at) => {
        native.spread(
          from! + 4 * start,
          rows.aStride,
          columns.aStride,
          to! + 4 * at,
          rows.extent,
          columns.extent,
        );
      });
      return output;
    }
    const source = backend.typedArrayFromHeap(x);
    const target = backend.typedArrayFromHeap(output);
    fill(0, 0, 0);
    return output;

    /** Writes the tiled sub-tensor of axes ≥ `axis`; returns how many elements it wrote. */
    function fill(axis: number, from: number, to: number): number {
      if (axis === x.shape.length) {
        target[to] = source[from]!;
        return 1;
      }
      const inner = sizeOf(x.shape.slice(axis + 1));
      let written = 0;
      if (reps.slice(axis + 1).every((count) => count === 1)) {
        written = inner * x.shape[axis]!;
        if (written === 1) target[to] = source[from]!;
        else target.set(source.subarray(from, from + written), to);
      } else {
        for (let i = 0; i < x.shape[axis]!; i++) written += fill(axis + 1, from + i * inner, to + written);
      }
      const length = written * reps[axis]!;
      if (written === 1) target.fill(target[to]!, to, to + length);
      // Doubling: each copy repeats all that is there.
      else {
        for (let done = written; done < length; done *= 2) {
          target.copyWithin(to + done, to, to + Math.min(done, length - done));
        }
      }
      return length;
    }
  },
);
