/**
 * Element-wise functions of one float32 tensor, in vectors and on all threads: those that the stock kernels compute one element at a time,
 * and the activations, which fused kernels apply as well. Others that tfjs-wasm has in vectors (square, abs, …) are left to it, and
 * so are other types.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import type { TrainingKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { stockKernels } from '../stock.js';
import { job, parallelFor, splitRange } from '../threads/parallel.js';
import type { Job } from '../threads/pool.js';

/** The job of writing f(x) for `count` float32s at the address `x` to the address `y`. */
type Compute<Attributes> = (x: number, y: number, count: number, attrs: Attributes) => Job;

/** `nanoseconds` is what an element costs, to the order of magnitude: it decides from which size on threads help. */
function unary<Attributes extends Readonly<Record<string, unknown>>>(
  kernelName: string,
  nanoseconds: number,
  compute: Compute<Attributes>,
): TrainingKernel {
  const grain = 20_000 / nanoseconds;
  return defineKernel<{ x: tf.TensorInfo }, Attributes>(kernelName, ({ inputs: { x }, attrs, backend }) => {
    const native = nativeFunctions(backend);
    if (native === undefined || x.dtype !== 'float32')
      return stockKernels.run(kernelName, { x }, backend, attrs);
    const y = allocate(backend, x.shape);
    const parts = splitRange(backend, sizeOf(x.shape), { grain, multiple: 16 });
    const from = pointerTo(backend, x);
    const to = pointerTo(backend, y);
    parallelFor(
      backend,
      parts.map(({ start, end }) => compute(from + 4 * start, to + 4 * start, end - start, attrs)),
    );
    return y;
  });
}

type None = Record<string, never>;

export const unaryKernels: readonly TrainingKernel[] = [
  unary<{ clipValueMin: number; clipValueMax: number }>('ClipByValue', 0.1, (x, y, count, attrs) =>
    job('clip', x, y, count, attrs.clipValueMin, attrs.clipValueMax),
  ),
  unary<None>('Elu', 0.8, (x, y, count) => job('elu', x, y, count)),
  unary<None>('Exp', 0.7, (x, y, count) => job('exp', x, y, count)),
  unary<None>('Expm1', 0.7, (x, y, count) => job('expm1', x, y, count)),
  unary<{ alpha: number }>('LeakyRelu', 0.1, (x, y, count, { alpha }) =>
    job('leakyRelu', x, y, count, alpha),
  ),
  unary<None>('Log', 1, (x, y, count) => job('log', x, y, count)),
  unary<None>('Log1p', 1, (x, y, count) => job('log1p', x, y, count)),
  unary<None>('Relu', 0.1, (x, y, count) => job('clip', x, y, count, 0, Infinity)),
  unary<None>('Relu6', 0.1, (x, y, count) => job('clip', x, y, count, 0, 6)),
  unary<None>('Rsqrt', 0.4, (x, y, count) => job('rsqrt', x, y, count)),
  unary<None>('Sigmoid', 0.8, (x, y, count) => job('sigmoid', x, y, count)),
  unary<None>('Sign', 0.1, (x, y, count) => job('sign', x, y, count)),
  unary<None>('Softplus', 1, (x, y, count) => job('softplus', x, y, count)),
  unary<None>('Sqrt', 0.3, (x, y, count) => job('sqrt', x, y, count)),
  unary<None>('Tanh', 1, (x, y, count) => job('tanh', x, y, count)),
];
