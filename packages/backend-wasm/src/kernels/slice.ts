/**
 * Slice straight from the heap. The stock kernel first copies the whole input, so that taking one batch costs as much as
 * the data set is large.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

export const slice = defineKernel<{ x: tf.TensorInfo }, { begin: number[]; size: number[] }>(
  'Slice',
  ({ inputs: { x }, attrs, backend }) => {
    if (x.dtype === 'string') return stockKernels.run('Slice', { x }, backend, attrs);
    // The parser reads nothing but the shape; its type asks for a whole tensor.
    const [begin, size] = tf.slice_util.parseSliceParams(x, attrs.begin, attrs.size) as [number[], number[]];
    tf.slice_util.assertParamsValid(x, begin, size);
    const output = backend.makeOutput(size, x.dtype);
    if (sizeOf(size) === 0) return output;
    const source = backend.typedArrayFromHeap(x);
    const target = backend.typedArrayFromHeap(output);
    const strides = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)));
    // The innermost axes that are taken whole, and one more, make one contiguous run.
    let runAxis = x.shape.length - 1;
    while (runAxis > 0 && size[runAxis] === x.shape[runAxis]) runAxis--;
    const run = runAxis < 0 ? 1 : size[runAxis]! * strides[runAxis]!;
    let written = 0;
    copy(0, 0);
    return output;

    function copy(axis: number, from: number): void {
      if (axis >= runAxis) {
        const start = from + (runAxis < 0 ? 0 : begin[runAxis]! * strides[runAxis]!);
        if (run < 24) for (let i = 0; i < run; i++) target[written + i] = source[start + i]!;
        else target.set(source.subarray(start, start + run), written);
        written += run;
        return;
      }
      const end = begin[axis]! + size[axis]!;
      for (let i = begin[axis]!; i < end; i++) copy(axis + 1, from + i * strides[axis]!);
    }
  },
);
