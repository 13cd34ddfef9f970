/** UnsortedSegmentSum, missing in tfjs-wasm: output[segmentIds[i]] += x[i]; ids outside [0, numSegments) are dropped. */
import type * as tf from '@tensorflow/tfjs-core';
import { integers, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';

export const unsortedSegmentSum = defineKernel<
  { x: tf.TensorInfo; segmentIds: tf.TensorInfo },
  { numSegments: number }
>('UnsortedSegmentSum', ({ inputs: { x, segmentIds }, attrs: { numSegments }, backend }) => {
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const output = backend.makeOutput([numSegments, ...rowShape], x.dtype);
  const length = sizeOf(rowShape);
  const values = backend.typedArrayFromHeap(x);
  const sums = backend.typedArrayFromHeap(output);
  const ids = integers(backend, segmentIds);
  sums.fill(0);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < 0 || id >= numSegments) continue;
    const from = i * length;
    const to = id * length;
    for (let j = 0; j < length; j++) sums[to + j]! += values[from + j]!;
  }
  return output;
});
