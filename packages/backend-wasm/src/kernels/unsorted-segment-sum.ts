/** UnsortedSegmentSum, missing in tfjs-wasm: output[segmentIds[i]] += x[i]; ids outside [0, numSegments) are dropped. */
import type * as tf from '@tensorflow/tfjs-core';
import { integers, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';

export const unsortedSegmentSum = defineKernel<
  { x: tf.TensorInfo; segmentIds: tf.TensorInfo },
  { numSegments: number }
>('UnsortedSegmentSum', ({ inputs: { x, segmentIds }, attrs: { numSegments }, backend }) => {
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const output = backend.makeOutput([numSegments, ...rowShape], x.dtype);
  const length = sizeOf(rowShape);
  const native = x.dtype === 'float32' ? nativeFunctions(backend) : undefined;
  if (native !== undefined) {
    const [from, at, to] = [x, segmentIds, output].map((tensor) => pointerTo(backend, tensor));
    native.segmentSum(from!, at!, to!, sizeOf(segmentIds.shape), length, numSegments);
    return output;
  }
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
