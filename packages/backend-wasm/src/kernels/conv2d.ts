/**
 * Conv2D by our own GEMM on the image in place. The stock kernel, which stays in use where our module is off, is wrong under `same`
 * padding where a stride is wider than the window, and turns NaN into −∞ for 1×1 windows.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { convolutionGeometry, isPointwise } from '../geometry.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { multiplyInto } from '../matrix-product.js';
import { convolve } from '../native/convolution/forward.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';

export interface Conv2dInputs {
  readonly x: tf.TensorInfo;
  readonly filter: tf.TensorInfo;
}

export const conv2d = defineKernel<Conv2dInputs, ConvolutionAttributes>(
  'Conv2D',
  ({ inputs, attrs, backend }) => convolution(backend, inputs, attrs),
);

/** The convolution of `x` `[n, h, w, c]` with `filter` `[fh, fw, c, o]` as a new tensor, owned by the caller; finished by `epilogue` (`epilogueOf`), which needs our module. */
export function convolution(
  backend: BackendWasm,
  { x, filter }: Conv2dInputs,
  attrs: ConvolutionAttributes,
  epilogue = 0,
): tf.TensorInfo {
  const native = nativeFunctions(backend);
  if (native === undefined) return stockKernels.run('Conv2D', { x, filter }, backend, { ...attrs });
  const { outShape } = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  const geometry = convolutionGeometry(x.shape, filter.shape, outShape, attrs, false);
  const y = allocate(backend, outShape);
  if (sizeOf(outShape) === 0) return y;
  if (sizeOf(filter.shape) === 0 || sizeOf(x.shape) === 0) floats(backend, y).fill(0);
  else if (isPointwise(geometry)) {
    const { batch, inChannels, outChannels, height, width } = geometry;
    const rows = batch * height.output * width.output;
    multiplyInto(
      backend,
      { tensor: x, rows, columns: inChannels, transpose: false },
      { tensor: filter, rows: inChannels, columns: outChannels, transpose: false },
      y,
      epilogue,
    );
  } else convolve(backend, native, x, filter, geometry, y, epilogue);
  return y;
}
