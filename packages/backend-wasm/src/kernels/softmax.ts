/** Softmax along the last axis of float32 logits, where it is short or there are threads; the rest by the stock kernel. */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { stockKernels } from '../stock.js';
import { job, parallelFor, splitRange, threadCount } from '../threads/parallel.js';

/** Elements in a row above which the stock kernel is faster on one thread, by a tenth. */
const LONG_ROW = 192;

/** Elements that are worth a thread. */
const GRAIN = 25_000;

export const softmax = defineKernel<{ logits: tf.TensorInfo }, { dim: number }>(
  'Softmax',
  ({ inputs: { logits }, attrs, backend }) => {
    const columns = logits.shape[attrs.dim]!;
    const fits = logits.dtype === 'float32' && attrs.dim === logits.shape.length - 1;
    const wins = columns <= LONG_ROW || threadCount(backend) > 1;
    if (nativeFunctions(backend) === undefined || !fits || !wins) {
      return stockKernels.run('Softmax', { logits }, backend, attrs);
    }
    const y = allocate(backend, logits.shape);
    if (sizeOf(logits.shape) > 0) {
      const [from, to] = [logits, y].map((tensor) => pointerTo(backend, tensor));
      const parts = splitRange(backend, sizeOf(logits.shape) / columns, {
        grain: Math.ceil(GRAIN / columns),
      });
      parallelFor(
        backend,
        parts.map(({ start, end }) => {
          const offset = 4 * start * columns;
          return job('softmax', from! + offset, to! + offset, end - start, columns);
        }),
      );
    }
    return y;
  },
);
