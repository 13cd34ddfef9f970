/**
 * DepthwiseConv2dNativeBackpropFilter, missing in tfjs-wasm: dW[u,v,c,q] = Σ over n,i,j of x[…,c] · dy[…, c·Q+q]:
 * by our own module, or without it by a plain loop that sums in float64.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { convolutionGeometry, outputRange } from '../geometry.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { depthwiseFilterGradient } from '../native/convolution/depthwise.js';
import { nativeFunctions } from '../native/module.js';

interface Attributes extends ConvolutionAttributes {
  readonly filterShape: number[];
}

export const depthwiseBackpropFilter = defineKernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, Attributes>(
  'DepthwiseConv2dNativeBackpropFilter',
  ({ inputs: { x, dy }, attrs, backend }) => {
    const geometry = convolutionGeometry(x.shape, attrs.filterShape, dy.shape, attrs, true);
    const { batch, inChannels, outChannels, height, width } = geometry;
    const output = allocate(backend, attrs.filterShape);
    if (nativeFunctions(backend) !== undefined && sizeOf(x.shape) * sizeOf(dy.shape) > 0) {
      depthwiseFilterGradient(backend, x, dy, geometry, output);
      return output;
    }
    const images = floats(backend, x);
    const upstream = floats(backend, dy);
    const multiplier = outChannels / inChannels;
    const sums = new Float64Array(outChannels);
    for (let u = 0; u < height.window; u++) {
      const rows = outputRange(height, u);
      for (let v = 0; v < width.window; v++) {
        const columns = outputRange(width, v);
        sums.fill(0);
        for (let n = 0; n < batch; n++) {
          for (let i = rows.from; i < rows.to; i++) {
            const h = i * height.stride + u * height.dilation - height.pad;
            for (let j = columns.from; j < columns.to; j++) {
              const w = j * width.stride + v * width.dilation - width.pad;
              const from = ((n * height.input + h) * width.input + w) * inChannels;
              const out = ((n * height.output + i) * width.output + j) * outChannels;
              if (multiplier === 1) {
                for (let c = 0; c < inChannels; c++) sums[c]! += images[from + c]! * upstream[out + c]!;
              } else {
                for (let o = 0; o < outChannels; o++) {
                  sums[o]! += images[from + Math.floor(o / multiplier)]! * upstream[out + o]!;
                }
              }
            }
          }
        }
        floats(backend, output).set(sums, (u * width.window + v) * outChannels);
      }
    }
    return output;
  },
);
