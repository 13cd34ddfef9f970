/**
 * DepthwiseConv2dNativeBackpropInput, missing in tfjs-wasm: by our own module. Without it, at stride 1 with one output for each
 * channel it is a depthwise convolution of dy with the rotated filter; otherwise a plain loop that adds dy·w back to where x was read.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { adjointPadding, convolutionGeometry, windowRange } from '../geometry.js';
import type { ConvolutionAttributes, Geometry } from '../geometry.js';
import { allocate, floats, release, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { depthwiseInputGradient } from '../native/convolution/depthwise.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';

interface Attributes extends ConvolutionAttributes {
  readonly inputShape: number[];
}

export const depthwiseBackpropInput = defineKernel<{ dy: tf.TensorInfo; filter: tf.TensorInfo }, Attributes>(
  'DepthwiseConv2dNativeBackpropInput',
  ({ inputs: { dy, filter }, attrs, backend }) => {
    const geometry = convolutionGeometry(attrs.inputShape, filter.shape, dy.shape, attrs, true);
    if (sizeOf(dy.shape) * sizeOf(filter.shape) === 0) {
      const zeros = allocate(backend, attrs.inputShape);
      floats(backend, zeros).fill(0);
      return zeros;
    }
    if (nativeFunctions(backend) !== undefined) {
      const dx = allocate(backend, attrs.inputShape);
      depthwiseInputGradient(backend, dy, filter, geometry, dx);
      return dx;
    }
    const pad = adjointPadding(geometry);
    if (pad === null || geometry.outChannels !== geometry.inChannels) {
      return scatter(backend, dy, filter, geometry);
    }
    const rotated = rotateTaps(backend, filter);
    const dx = stockKernels.run('DepthwiseConv2dNative', { x: dy, filter: rotated }, backend, {
      strides: [1, 1],
      dilations: [1, 1],
      pad,
    });
    release(backend, rotated);
    return dx;
  },
);

/** `[fh, fw, c, 1]` rotated by 180° in the plane. */
function rotateTaps(backend: BackendWasm, filter: tf.TensorInfo): tf.TensorInfo {
  const [fh, fw, channels] = filter.shape as [number, number, number, number];
  const rotated = allocate(backend, filter.shape);
  const source = floats(backend, filter);
  const target = floats(backend, rotated);
  const taps = fh * fw;
  for (let t = 0; t < taps; t++) {
    target.set(source.subarray(t * channels, (t + 1) * channels), (taps - 1 - t) * channels);
  }
  return rotated;
}

function scatter(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  { batch, inChannels, outChannels, height, width }: Geometry,
): tf.TensorInfo {
  const dx = allocate(backend, [batch, height.input, width.input, inChannels]);
  const gradient = floats(backend, dx);
  const upstream = floats(backend, dy);
  const weights = floats(backend, filter);
  const multiplier = outChannels / inChannels;
  gradient.fill(0);
  let out = 0;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < height.output; i++) {
      const rows = windowRange(height, i);
      for (let j = 0; j < width.output; j++, out += outChannels) {
        const columns = windowRange(width, j);
        for (let u = rows.from; u < rows.to; u++) {
          const h = i * height.stride + u * height.dilation - height.pad;
          for (let v = columns.from; v < columns.to; v++) {
            const w = j * width.stride + v * width.dilation - width.pad;
            const to = ((n * height.input + h) * width.input + w) * inChannels;
            const tap = (u * width.window + v) * outChannels;
            for (let c = 0, o = 0; c < inChannels; c++) {
              let sum = 0;
              for (const end = o + multiplier; o < end; o++) sum += upstream[out + o]! * weights[tap + o]!;
              gradient[to + c]! += sum;
            }
          }
        }
      }
    }
  }
  return dx;
}
