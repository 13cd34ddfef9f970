/**
 * DepthwiseConv2dNative by our own module, with any number of outputs for each channel. The stock kernel, which stays in use where
 * our module is off, is wrong under `same` padding where a stride is wider than the window.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { convolutionGeometry } from '../geometry.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { depthwise } from '../native/convolution/depthwise.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';

export interface DepthwiseInputs {
  readonly x: tf.TensorInfo;
  readonly filter: tf.TensorInfo;
}

export const depthwiseConv2d = defineKernel<DepthwiseInputs, ConvolutionAttributes>(
  'DepthwiseConv2dNative',
  ({ inputs, attrs, backend }) => depthwiseConvolution(backend, inputs, attrs),
);

/** The depthwise convolution of `x` `[n, h, w, c]` with `filter` `[fh, fw, c, q]` as a new tensor `[n, oh, ow, c·q]`, owned by the caller. */
export function depthwiseConvolution(
  backend: BackendWasm,
  { x, filter }: DepthwiseInputs,
  attrs: ConvolutionAttributes,
): tf.TensorInfo {
  if (nativeFunctions(backend) === undefined) {
    return stockKernels.run('DepthwiseConv2dNative', { x, filter }, backend, { ...attrs });
  }
  const { outShape } = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    true,
  );
  const geometry = convolutionGeometry(x.shape, filter.shape, outShape, attrs, true);
  const y = allocate(backend, outShape);
  if (sizeOf(outShape) === 0) return y;
  if (sizeOf(filter.shape) * sizeOf(x.shape) === 0) floats(backend, y).fill(0);
  else depthwise(backend, x, filter, geometry, y);
  return y;
}
