/**
 * A dilated depthwise convolution that can be differentiated. tfjs-core refuses the gradient of `tf.depthwiseConv2d` with a
 * dilation above 1, and its own tests demand that it does; so this is an operation of its own, with the same value.
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from '../errors.js';
import { tapGradients } from './dilated-convolution.js';
import type { TapProducts } from './dilated-convolution.js';

export interface DilatedDepthwiseOptions {
  /** Default `'same'`. */
  readonly pad?: 'same' | 'valid' | tf.backend_util.ExplicitPadding;
  /** Input pixels from one element of the filter to the next, down and right: whole numbers ≥ 1. */
  readonly dilations: readonly [number, number];
}

/** Weights `[inChannels, multiplier]`; output channels are all multiples of the first input channel, then of the second, … */
const depthwise: TapProducts = {
  depthwise: true,
  filter: (x, dy, [channels, multiplier]) =>
    tf.sum(tf.mul(tf.expandDims(x, 2), tf.reshape(dy, [-1, channels, multiplier])), 0),
  input: (dy, weights) => tf.sum(tf.mul(tf.reshape(dy, [-1, ...weights.shape]), weights), 2),
};

/**
 * `tf.depthwiseConv2d` with dilations, strides of 1 and NHWC, with a gradient in both inputs on every engine.
 * @param x `[batch, height, width, channels]`
 * @param filter `[filterHeight, filterWidth, channels, multiplier]`
 * @returns `[batch, outHeight, outWidth, channels·multiplier]`, owned by the caller.
 * @throws ApoError `INVALID_ARGUMENT` when a rank is not 4, the channels differ, or a dilation is no whole number ≥ 1.
 */
export function dilatedDepthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { pad = 'same', dilations: [down, right] }: DilatedDepthwiseOptions,
): tf.Tensor4D {
  requireArgument(
    x.rank === 4 && filter.rank === 4 && x.shape[3] === filter.shape[2],
    () =>
      `dilatedDepthwiseConv2d got x [${x.shape.join()}] and filter [${filter.shape.join()}]; ` +
      'expected [batch, height, width, channels] and [filterHeight, filterWidth, channels, multiplier].',
  );
  requireArgument(
    [down, right].every((dilation) => Number.isInteger(dilation) && dilation >= 1),
    () => `dilations is [${down}, ${right}]; expected two whole numbers ≥ 1.`,
  );
  const convolution = { strides: 1, pad, dilations: [down, right] as [number, number] };
  const operation = tf.customGrad<tf.Tensor4D>((...args) => {
    const [input, weights, save] = args as unknown as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    save([input, weights]);
    return {
      value: tf.depthwiseConv2d(input, weights, 1, pad, 'NHWC', [down, right]),
      gradFunc: (dy, saved) => {
        const gradients = tapGradients(...(saved as [tf.Tensor4D, tf.Tensor4D]), dy, convolution, depthwise);
        return [gradients.x(), gradients.filter()];
      },
    };
  });
  return operation(x, filter);
}
