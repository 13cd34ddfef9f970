/** The gradients of pooling on the heap; threads share the batch. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../geometry.js';
import { sizeOf } from '../heap.js';
import { parallelFor, splitRange } from '../threads/parallel.js';
import type { Job } from '../threads/pool.js';
import { pointerTo } from './pointers.js';

/** Input elements that are worth a thread. */
const GRAIN = 20_000;

/** What our module's pooling gradients take after their tensors. */
export type PoolArguments = readonly [
  batch: number,
  ...input: [height: number, width: number, channels: number],
  ...output: [height: number, width: number],
  ...window: [height: number, width: number],
  ...strides: [down: number, right: number],
  ...pad: [top: number, left: number],
];

/**
 * Runs such a gradient, one job for each part of the batch. `call` makes the job of the addresses of `tensors` at the part's first
 * image; each of them is `[batch, …]`, and `dx`, the shape of whose images says what a thread is worth, is one of them.
 */
export function runPoolGradient(
  backend: BackendWasm,
  { batch, inChannels, height, width }: Geometry,
  dx: tf.TensorInfo,
  tensors: readonly tf.TensorInfo[],
  call: (addresses: readonly number[], geometry: PoolArguments) => Job,
): void {
  const places = tensors.map((tensor) => ({
    address: pointerTo(backend, tensor),
    imageBytes: 4 * sizeOf(tensor.shape.slice(1)),
  }));
  const grain = Math.ceil(GRAIN / sizeOf(dx.shape.slice(1)));
  const jobs = splitRange(backend, batch, { grain }).map(({ start, end }) =>
    call(
      places.map(({ address, imageBytes }) => address + start * imageBytes),
      [
        end - start,
        height.input,
        width.input,
        inChannels,
        height.output,
        width.output,
        height.window,
        width.window,
        height.stride,
        width.stride,
        height.pad,
        width.pad,
      ],
    ),
  );
  parallelFor(backend, jobs);
}
