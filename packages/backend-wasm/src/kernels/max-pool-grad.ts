/**
 * MaxPoolGrad: each output's gradient goes to the first input of its window that equals the maximum. Padding never wins,
 * whatever the sign of the maximum (the stock kernel starts its search at zero, so negative maxima lose their gradient).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { floats } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { poolGeometry, windowRange } from '../geometry.js';
import type { PoolAttributes } from '../geometry.js';
import { nativeFunctions } from '../native/module.js';
import { runPoolGradient } from '../native/pool-gradient.js';
import { job } from '../threads/parallel.js';

interface Inputs {
  readonly dy: tf.TensorInfo;
  readonly input: tf.TensorInfo;
  readonly output: tf.TensorInfo;
}

export const maxPoolGrad = defineKernel<Inputs, PoolAttributes>(
  'MaxPoolGrad',
  ({ inputs: { dy, input, output }, attrs, backend }) => {
    const geometry = poolGeometry(input.shape, dy.shape, attrs);
    const { batch, inChannels: channels, height, width } = geometry;
    const dx = backend.makeOutput(input.shape, 'float32');
    if (nativeFunctions(backend) !== undefined) {
      runPoolGradient(backend, geometry, dx, [dy, input, output, dx], ([dyAt, xAt, yAt, dxAt], sizes) =>
        job('maxPoolGradient', dyAt!, xAt!, yAt!, dxAt!, ...sizes),
      );
      return dx;
    }
    const gradient = floats(backend, dx);
    const upstream = floats(backend, dy);
    const x = floats(backend, input);
    const y = floats(backend, output);
    gradient.fill(0);
    const offsets = new Int32Array(height.window * width.window);
    let out = 0;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < height.output; i++) {
        const rows = windowRange(height, i);
        for (let j = 0; j < width.output; j++) {
          const columns = windowRange(width, j);
          let count = 0;
          for (let u = rows.from; u < rows.to; u++) {
            const row = (n * height.input + i * height.stride + u - height.pad) * width.input;
            for (let v = columns.from; v < columns.to; v++) {
              offsets[count++] = (row + j * width.stride + v - width.pad) * channels;
            }
          }
          if (count > 0) {
            for (let c = 0; c < channels; c++) {
              const position = firstMaximum(x, offsets, count, c, y[out + c]!);
              gradient[position]! += upstream[out + c]!;
            }
          }
          out += channels;
        }
      }
    }
    return dx;
  },
);

/**
 * The index into `x` of the first window element that equals `maximum`; of the first NaN, or else the first largest
 * element, when none does. The search has no branch on the data: at random values that would be mispredicted.
 */
function firstMaximum(
  x: Float32Array,
  offsets: Int32Array,
  count: number,
  channel: number,
  maximum: number,
): number {
  let open = 1;
  let found = 0;
  for (let t = 0; t < count; t++) {
    const hit = +(x[offsets[t]! + channel] === maximum) & open;
    found |= -hit & t;
    open ^= hit;
  }
  if (open === 0) return offsets[found]! + channel;
  let best = offsets[0]! + channel;
  for (let t = 0; t < count; t++) {
    const at = offsets[t]! + channel;
    const value = x[at]!;
    if (Number.isNaN(value)) return at;
    if (value > x[best]!) best = at;
  }
  return best;
}
