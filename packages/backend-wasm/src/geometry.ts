/** Where a window of a convolution or a pooling meets its input, along one axis; `NHWC` only. Shapes come from the tensors, pads from the attributes. */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from '@apo/core';

export type Padding = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

/** One spatial axis: output position `i` and window position `u` meet input position `i·stride + u·dilation − pad`. */
export interface Axis {
  readonly input: number;
  readonly output: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
}

export interface Geometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly height: Axis;
  readonly width: Axis;
}

export interface ConvolutionAttributes {
  readonly strides: [number, number] | number;
  readonly pad: Padding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dilations?: [number, number] | number;
}

type Shape4D = [number, number, number, number];

/** Of a convolution with input `[n, h, w, c]`, filter `[fh, fw, c, o]` and output `outputShape`. */
export function convolutionGeometry(
  inputShape: readonly number[],
  filterShape: readonly number[],
  outputShape: readonly number[],
  attrs: ConvolutionAttributes,
  depthwise: boolean,
): Geometry {
  requireArgument(
    attrs.dataFormat !== 'NCHW',
    () =>
      `The WASM backend computes convolutions in NHWC; got NCHW. Transpose the input or use the default format.`,
  );
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
  );
  return fromInfo(info, outputShape);
}

export interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: Padding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Of a pooling with input `[n, h, w, c]` and output `outputShape`. */
export function poolGeometry(
  inputShape: readonly number[],
  outputShape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: PoolAttributes,
): Geometry {
  const info = tf.backend_util.computePool2DInfo(
    inputShape as Shape4D,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  return fromInfo(info, outputShape);
}

function fromInfo(info: tf.backend_util.Conv2DInfo, outputShape: readonly number[]): Geometry {
  return {
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    height: {
      input: info.inHeight,
      output: outputShape[1]!,
      window: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      pad: info.padInfo.top,
    },
    width: {
      input: info.inWidth,
      output: outputShape[2]!,
      window: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      pad: info.padInfo.left,
    },
  };
}

/** Output positions `[from, to)` that meet the input at window position `u`; the others see padding. */
export function outputRange(axis: Axis, u: number): { from: number; to: number } {
  const shift = u * axis.dilation - axis.pad;
  const from = Math.max(0, Math.ceil(-shift / axis.stride));
  const to = Math.min(axis.output, Math.floor((axis.input - 1 - shift) / axis.stride) + 1);
  return { from, to: Math.max(from, to) };
}

/** Window positions `[from, to)` that meet the input at output position `i`. */
export function windowRange(axis: Axis, i: number): { from: number; to: number } {
  const start = i * axis.stride - axis.pad;
  const from = Math.max(0, Math.ceil(-start / axis.dilation));
  const to = Math.min(axis.window, Math.floor((axis.input - 1 - start) / axis.dilation) + 1);
  return { from, to: Math.max(from, to) };
}

/**
 * The padding that turns the gradient with respect to the input into a convolution of the output's gradient with the
 * rotated filter; `null` where there is none (a stride, a dilation, or more padding than the window is wide).
 */
export function adjointPadding({ height, width }: Geometry): tf.backend_util.ExplicitPadding | null {
  const vertical = adjointPad(height);
  const horizontal = adjointPad(width);
  if (vertical === null || horizontal === null) return null;
  return [[0, 0], vertical, horizontal, [0, 0]];
}

function adjointPad(axis: Axis): [number, number] | null {
  if (axis.stride !== 1 || axis.dilation !== 1) return null;
  const before = axis.window - 1 - axis.pad;
  const after = axis.input + axis.window - 1 - axis.output - before;
  return before < 0 || after < 0 ? null : [before, after];
}

/** A 1×1 window at stride 1 without padding: the convolution is a matrix product over the channels. */
export function isPointwise({ height, width }: Geometry): boolean {
  return [height, width].every(
    (axis) => axis.window === 1 && axis.stride === 1 && axis.pad === 0 && axis.output === axis.input,
  );
}
