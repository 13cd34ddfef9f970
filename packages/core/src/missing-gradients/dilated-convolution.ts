/**
 * The gradient of dilated `conv2d`, which tfjs-core refuses. A convolution is a sum over the taps (u, v) of its filter,
 * y = Σ x[· + u·δ, · + v·δ] ∗ w[u, v], so both gradients are sums over taps of shifted products; dilated convolutions have
 * stride 1. Without dilation the gradient that was registered before is used. That of `depthwiseConv2d` stays as tfjs-core has
 * it; `dilated-depthwise.ts` has an operation of its own.
 */
import * as tf from '@tensorflow/tfjs-core';

/** The product of one tap, on rows: x `[rows, inChannels]`, dy `[rows, outputs]`, and that tap's weights. */
export interface TapProducts {
  readonly depthwise: boolean;
  /** Σ over rows, in the shape of the tap's weights. */
  filter(x: tf.Tensor2D, dy: tf.Tensor2D, weightShape: readonly [number, number]): tf.Tensor;
  /** `[rows, inChannels]`. */
  input(dy: tf.Tensor2D, weights: tf.Tensor2D): tf.Tensor;
}

/** Weights `[inChannels, outChannels]`. */
const full: TapProducts = {
  depthwise: false,
  filter: (x, dy) => tf.matMul(x, dy, true, false),
  input: (dy, weights) => tf.matMul(dy, weights, false, true),
};

/** @param registered the gradient to use without dilation. */
export function conv2dGradient(registered: tf.GradConfig): tf.GradConfig {
  return {
    kernelName: registered.kernelName,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, attrs) => {
      const convolution = attrs as unknown as ConvolutionAttributes;
      if ([convolution.dilations ?? 1].flat().every((dilation) => dilation === 1)) {
        return registered.gradFunc(dy, saved, attrs);
      }
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return tapGradients(x, filter, dy as tf.Tensor4D, convolution, full);
    },
  };
}

export interface ConvolutionAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Both gradients of a dilated convolution whose output's gradient is `dy`; the caller owns what they return. */
export function tapGradients(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  dy: tf.Tensor4D,
  convolution: ConvolutionAttributes,
  products: TapProducts,
): { x: () => tf.Tensor; filter: () => tf.Tensor } {
  const taps = tapGeometry(x, filter, dy, convolution, products.depthwise);
  return {
    x: () => inputGradient(taps, dy, filter, products),
    filter: () => filterGradient(taps, x, dy, filter.shape, products),
  };
}

interface TapGeometry {
  readonly channelsFirst: boolean;
  /** Of the input, `[batch, height, width, channels]`. */
  readonly inputShape: readonly [number, number, number, number];
  readonly outputHeight: number;
  readonly outputWidth: number;
  /** Zeros around the input, wide enough for every tap. */
  readonly top: number;
  readonly left: number;
  readonly paddedHeight: number;
  readonly paddedWidth: number;
  /** Row-major, as in the filter. */
  readonly taps: readonly { readonly row: number; readonly column: number }[];
}

const toChannelsLast = (
  x: tf.Tensor4D,
  { channelsFirst }: Pick<TapGeometry, 'channelsFirst'>,
): tf.Tensor4D => (channelsFirst ? tf.transpose(x, [0, 2, 3, 1]) : x);

function tapGeometry(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  dy: tf.Tensor4D,
  { strides, pad, dataFormat, dilations, dimRoundingMode }: ConvolutionAttributes,
  isDepthwise: boolean,
): TapGeometry {
  const channelsFirst = dataFormat === 'NCHW';
  const [batch, p, q, r] = x.shape;
  const inputShape = channelsFirst ? ([batch, q, r, p] as const) : ([batch, p, q, r] as const);
  const [outputHeight, outputWidth] = channelsFirst ? [dy.shape[2], dy.shape[3]] : [dy.shape[1], dy.shape[2]];
  const { padInfo, dilationHeight, dilationWidth, filterHeight, filterWidth } =
    tf.backend_util.computeConv2DInfo(
      [...inputShape],
      filter.shape,
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      isDepthwise,
    );
  const taps = Array.from({ length: filterHeight * filterWidth }, (_, tap) => ({
    row: Math.floor(tap / filterWidth) * dilationHeight,
    column: (tap % filterWidth) * dilationWidth,
  }));
  return {
    channelsFirst,
    inputShape,
    outputHeight,
    outputWidth,
    top: padInfo.top,
    left: padInfo.left,
    paddedHeight: Math.max(padInfo.top + inputShape[1], (filterHeight - 1) * dilationHeight + outputHeight),
    paddedWidth: Math.max(padInfo.left + inputShape[2], (filterWidth - 1) * dilationWidth + outputWidth),
    taps,
  };
}

function filterGradient(
  geometry: TapGeometry,
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: readonly [number, number, number, number],
  products: TapProducts,
): tf.Tensor {
  const { inputShape, top, left, outputHeight, outputWidth } = geometry;
  const [batch, height, width, channels] = inputShape;
  const upstream = toChannelsLast(dy, geometry);
  const padded = tf.pad(toChannelsLast(x, geometry), [
    [0, 0],
    [top, geometry.paddedHeight - top - height],
    [left, geometry.paddedWidth - left - width],
    [0, 0],
  ]);
  const rows = tf.reshape<tf.Rank.R2>(upstream, [-1, upstream.shape[3]]);
  const products2d = geometry.taps.map(({ row, column }) => {
    const seen = tf.slice(padded, [0, row, column, 0], [batch, outputHeight, outputWidth, channels]);
    return products.filter(tf.reshape(seen, [-1, channels]), rows, [filterShape[2], filterShape[3]]);
  });
  return tf.reshape(tf.stack(products2d), [...filterShape]);
}

function inputGradient(
  geometry: TapGeometry,
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  products: TapProducts,
): tf.Tensor {
  const { inputShape, top, left, outputHeight, outputWidth, paddedHeight, paddedWidth, taps } = geometry;
  const [batch, height, width, channels] = inputShape;
  const upstream = toChannelsLast(dy, geometry);
  const rows = tf.reshape<tf.Rank.R2>(upstream, [-1, upstream.shape[3]]);
  const weights = tf.unstack(
    tf.reshape(filter, [taps.length, filter.shape[2], filter.shape[3]]),
  ) as tf.Tensor2D[];
  const shares = taps.map(({ row, column }, tap) => {
    const share = tf.reshape<tf.Rank.R4>(products.input(rows, weights[tap]!), [
      batch,
      outputHeight,
      outputWidth,
      channels,
    ]);
    return tf.pad(share, [
      [0, 0],
      [row, paddedHeight - row - outputHeight],
      [column, paddedWidth - column - outputWidth],
      [0, 0],
    ]);
  });
  const sum = tf.slice(tf.addN(shares), [0, top, left, 0], [batch, height, width, channels]);
  return geometry.channelsFirst ? tf.transpose(sum, [0, 3, 1, 2]) : sum;
}
