/** GatherV2 by copying runs (the stock kernel computes every element's index, 24 ns each). */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from '@apo/core';
import { integers, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { runStock } from '../stock.js';

export const gather = defineKernel<
  { x: tf.TensorInfo; indices: tf.TensorInfo },
  { axis: number; batchDims?: number }
>('GatherV2', ({ inputs: { x, indices }, attrs, backend }) => {
  if (x.dtype === 'string' || indices.dtype !== 'int32') {
    return runStock('GatherV2', { x, indices }, backend, attrs);
  }
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const batchDims = attrs.batchDims ?? 0;
  const extent = x.shape[axis]!;
  // The three parts of `collectGatherOpShapeInfo`: batch axes, axes before the gathered one, axes after it.
  const batches = sizeOf(x.shape.slice(0, batchDims));
  const outer = sizeOf(x.shape.slice(batchDims, axis));
  const run = sizeOf(x.shape.slice(axis + 1));
  const count = sizeOf(indices.shape.slice(batchDims));
  const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)];
  for (const index of integers(backend, indices)) {
    requireArgument(
      index >= 0 && index < extent,
      () => `gather has the index ${index}; expected 0 ≤ index < ${extent}, the extent of axis ${axis}.`,
    );
  }
  const output = backend.makeOutput(shape, x.dtype);
  const source = backend.typedArrayFromHeap(x);
  const target = backend.typedArrayFromHeap(output);
  const positions = integers(backend, indices);
  let to = 0;
  for (let batch = 0; batch < batches; batch++) {
    for (let o = 0; o < outer; o++) {
      const base = (batch * outer + o) * extent;
      for (let i = 0; i < count; i++) {
        const from = (base + positions[batch * count + i]!) * run;
        if (run < 24) for (let j = 0; j < run; j++) target[to + j] = source[from + j]!;
        else target.set(source.subarray(from, from + run), to);
        to += run;
      }
    }
  }
  return output;
});
