/** GatherV2 by copying runs (the stock kernel computes every element's index, 24 ns each). */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from '@apo/core';
import { integers, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { stockKernels } from '../stock.js';

export const gather = defineKernel<
  { x: tf.TensorInfo; indices: tf.TensorInfo },
  { axis: number; batchDims?: number }
>('GatherV2', ({ inputs: { x, indices }, attrs, backend }) => {
  if (x.dtype === 'string' || indices.dtype !== 'int32') {
    return stockKernels.run('GatherV2', { x, indices }, backend, attrs);
  }
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, attrs.batchDims ?? 0);
  const count = sizeOf(indices.shape) / batchSize;
  for (const index of integers(backend, indices)) {
    requireArgument(
      index >= 0 && index < dimSize,
      () => `GatherV2: the index value ${index} is not in [0, ${dimSize - 1}], the indices of axis ${axis}.`,
    );
  }
  const output = backend.makeOutput(outputShape, x.dtype);
  const native = x.dtype === 'float32' || x.dtype === 'int32' ? nativeFunctions(backend) : undefined;
  if (native !== undefined) {
    const [from, at, to] = [x, indices, output].map((tensor) => pointerTo(backend, tensor));
    native.gather(from!, at!, to!, batchSize, outerSize, dimSize, count, 4 * sliceSize);
    return output;
  }
  const source = backend.typedArrayFromHeap(x);
  const target = backend.typedArrayFromHeap(output);
  const positions = integers(backend, indices);
  let to = 0;
  for (let batch = 0; batch < batchSize; batch++) {
    for (let o = 0; o < outerSize; o++) {
      const base = (batch * outerSize + o) * dimSize;
      for (let i = 0; i < count; i++) {
        const from = (base + positions[batch * count + i]!) * sliceSize;
        if (sliceSize < 24) for (let j = 0; j < sliceSize; j++) target[to + j] = source[from + j]!;
        else target.set(source.subarray(from, from + sliceSize), to);
        to += sliceSize;
      }
    }
  }
  return output;
});
