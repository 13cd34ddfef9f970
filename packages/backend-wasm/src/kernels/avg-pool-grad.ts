/**
 * AvgPoolGrad: each output's gradient is shared by the inputs of its window. With padding a window at the border is
 * averaged over the inputs it really meets, so it is shared by those (the stock kernel divides by the full window).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { poolArguments, poolGeometry, windowRange } from '../geometry.js';
import type { PoolAttributes } from '../geometry.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { job, parallelFor, splitRange } from '../threads/parallel.js';

/** Input elements that are worth a thread. */
const GRAIN = 20_000;

export const avgPoolGrad = defineKernel<{ dy: tf.TensorInfo; input: tf.TensorInfo }, PoolAttributes>(
  'AvgPoolGrad',
  ({ inputs: { dy, input }, attrs, backend }) => {
    const geometry = poolGeometry(input.shape, dy.shape, attrs);
    const { batch, inChannels: channels, height, width } = geometry;
    const dx = backend.makeOutput(input.shape, 'float32');
    if (nativeFunctions(backend) !== undefined) {
      const image = { dy: sizeOf(dy.shape.slice(1)), x: sizeOf(input.shape.slice(1)) };
      const [dyAt, dxAt] = [dy, dx].map((tensor) => pointerTo(backend, tensor));
      const jobs = splitRange(backend, batch, { grain: Math.ceil(GRAIN / image.x) }).map(({ start, end }) =>
        job(
          'avgPoolGradient',
          dyAt! + 4 * start * image.dy,
          dxAt! + 4 * start * image.x,
          end - start,
          ...poolArguments(geometry),
        ),
      );
      parallelFor(backend, jobs);
      return dx;
    }
    const gradient = floats(backend, dx);
    const upstream = floats(backend, dy);
    gradient.fill(0);
    let out = 0;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < height.output; i++) {
        const rows = windowRange(height, i);
        for (let j = 0; j < width.output; j++) {
          const columns = windowRange(width, j);
          const share = 1 / ((rows.to - rows.from) * (columns.to - columns.from));
          for (let u = rows.from; u < rows.to; u++) {
            const row = (n * height.input + i * height.stride + u - height.pad) * width.input;
            const start = (row + j * width.stride - width.pad + columns.from) * channels;
            const end = start + (columns.to - columns.from) * channels;
            for (let at = start; at < end; at += channels) {
              for (let c = 0; c < channels; c++) gradient[at + c]! += upstream[out + c]! * share;
            }
          }
          out += channels;
        }
      }
    }
    return dx;
  },
);
