/** A kernel of this package's own: the gradient of softmax along the last axis in one pass over dy and y. */
import type * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import { allocate, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { job, parallelFor, splitRange } from '../threads/parallel.js';
import { SOFTMAX_GRADIENT } from './own-kernels.js';

/** Elements that are worth a thread. */
const GRAIN = 60_000;

export const softmaxGrad = defineKernel<{ dy: tf.TensorInfo; y: tf.TensorInfo }>(
  SOFTMAX_GRADIENT,
  ({ inputs: { dy, y }, backend }) => {
    const native = nativeFunctions(backend);
    if (native === undefined) {
      throw new ApoError(
        'UNSUPPORTED',
        `${SOFTMAX_GRADIENT} needs the WASM module of this package, which is off. Ask ownKernelsApply first.`,
      );
    }
    const dx = allocate(backend, y.shape);
    const columns = y.shape[y.shape.length - 1] ?? 1;
    if (sizeOf(y.shape) > 0) {
      const [from, at, to] = [dy, y, dx].map((tensor) => pointerTo(backend, tensor));
      const parts = splitRange(backend, sizeOf(y.shape) / columns, { grain: Math.ceil(GRAIN / columns) });
      parallelFor(
        backend,
        parts.map(({ start, end }) => {
          const offset = 4 * start * columns;
          return job('softmaxGradient', from! + offset, at! + offset, to! + offset, end - start, columns);
        }),
      );
    }
    return dx;
  },
);
