/**
 * AvgPoolGrad: each output's gradient is shared by the inputs of its window. With padding a window at the border is
 * averaged over the inputs it really meets, so it is shared by those (the stock kernel divides by the full window).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { floats } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { poolGeometry, windowRange } from '../geometry.js';
import type { PoolAttributes } from '../geometry.js';
import { nativeFunctions } from '../native/module.js';
import { runPoolGradient } from '../native/pool-gradient.js';
import { job } from '../threads/parallel.js';

export const avgPoolGrad = defineKernel<{ dy: tf.TensorInfo; input: tf.TensorInfo }, PoolAttributes>(
  'AvgPoolGrad',
  ({ inputs: { dy, input }, attrs, backend }) => {
    const geometry = poolGeometry(input.shape, dy.shape, attrs);
    const { batch, inChannels: channels, height, width } = geometry;
    const dx = backend.makeOutput(input.shape, 'float32');
    if (nativeFunctions(backend) !== undefined) {
      runPoolGradient(backend, geometry, dx, [dy, dx], ([dyAt, dxAt], sizes) =>
        job('avgPoolGradient', dyAt!, dxAt!, ...sizes),
      );
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
