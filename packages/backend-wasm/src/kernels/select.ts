/** Select: t where the condition holds, else e, for float32 and int32 tensors of one shape; the rest by the stock kernel. */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { stockKernels } from '../stock.js';

export const select = defineKernel<{ condition: tf.TensorInfo; t: tf.TensorInfo; e: tf.TensorInfo }>(
  'Select',
  ({ inputs: { condition, t, e }, backend }) => {
    const native = nativeFunctions(backend);
    const fits =
      condition.dtype === 'bool' &&
      t.dtype === e.dtype &&
      (t.dtype === 'float32' || t.dtype === 'int32') &&
      tf.util.arraysEqual(condition.shape, t.shape) &&
      tf.util.arraysEqual(t.shape, e.shape);
    if (native === undefined || !fits) return stockKernels.run('Select', { condition, t, e }, backend);
    const y = backend.makeOutput(t.shape, t.dtype);
    const [c, whenTrue, whenFalse] = [condition, t, e].map((tensor) => pointerTo(backend, tensor));
    native.select(c!, whenTrue!, whenFalse!, pointerTo(backend, y), sizeOf(t.shape));
    return y;
  },
);
