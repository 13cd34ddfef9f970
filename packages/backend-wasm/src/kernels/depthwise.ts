/**
 * DepthwiseConv2dNative by our own module where every channel has one output; the stock kernel, which is wrong under
 * `same` padding where a stride is wider than the window, keeps the other cases and those where our module is off.
 */
import * as tf from '@tensorflow/tfjs-core';
import { convolutionGeometry } from '../geometry.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { depthwise } from '../native/convolution/depthwise.js';
import { nativeFunctions } from '../native/module.js';
import { runStock } from '../stock.js';

export const depthwiseConv2d = defineKernel<
  { x: tf.TensorInfo; filter: tf.TensorInfo },
  ConvolutionAttributes
>('DepthwiseConv2dNative', ({ inputs: { x, filter }, attrs, backend }) => {
  if (nativeFunctions(backend) === undefined || filter.shape[3] !== 1) {
    return runStock('DepthwiseConv2dNative', { x, filter }, backend, { ...attrs });
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
  const y = allocate(backend, outShape);
  if (sizeOf(outShape) === 0) return y;
  if (sizeOf(filter.shape) * sizeOf(x.shape) === 0) floats(backend, y).fill(0);
  else depthwise(backend, x, filter, convolutionGeometry(x.shape, filter.shape, outShape, attrs, true), y);
  return y;
});
