/** The depthwise kernels as tfjs-core calls them, also with the dilations its own gradient refuses. Not published. */
import * as tf from '@tensorflow/tfjs-core';
import { outputSize } from './reference.js';
import type { Conv } from './reference.js';
import { evaluate } from './setup.js';

type Shape4D = [number, number, number, number];

export interface DepthwiseShapes {
  readonly x: Shape4D;
  readonly filter: Shape4D;
  readonly y: Shape4D;
}

/** `outChannels` is the multiplier. */
export function depthwiseShapes(conv: Conv): DepthwiseShapes {
  const { batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = conv;
  const { outHeight, outWidth } = outputSize(conv);
  return {
    x: [batch, inHeight, inWidth, inChannels],
    filter: [filterHeight, filterWidth, inChannels, outChannels],
    y: [batch, outHeight, outWidth, inChannels * outChannels],
  };
}

function attributes(conv: Conv) {
  return {
    strides: [...conv.strides],
    dilations: [...(conv.dilations ?? [1, 1])],
    pad: conv.pad,
    dataFormat: 'NHWC',
  };
}

/** conv(x, filter). */
export function runForward(conv: Conv, x: Float32Array, filter: Float32Array): number[] {
  const shapes = depthwiseShapes(conv);
  const { values } = evaluate(() =>
    tf
      .engine()
      .runKernel<tf.Tensor>(
        'DepthwiseConv2dNative',
        { x: tf.tensor4d(x, shapes.x), filter: tf.tensor4d(filter, shapes.filter) },
        attributes(conv),
      ),
  );
  return values;
}

/** d⟨dy, conv(x, filter)⟩/dx and /dfilter. */
export function runGradients(
  conv: Conv,
  x: Float32Array,
  filter: Float32Array,
  dy: Float32Array,
): { input: number[]; filter: number[] } {
  const shapes = depthwiseShapes(conv);
  const run = (name: string, inputs: () => tf.NamedTensorMap, attrs: object): number[] =>
    evaluate(() => tf.engine().runKernel<tf.Tensor>(name, inputs(), { ...attributes(conv), ...attrs }))
      .values;
  return {
    input: run(
      'DepthwiseConv2dNativeBackpropInput',
      () => ({ dy: tf.tensor4d(dy, shapes.y), filter: tf.tensor4d(filter, shapes.filter) }),
      { inputShape: shapes.x },
    ),
    filter: run(
      'DepthwiseConv2dNativeBackpropFilter',
      () => ({ x: tf.tensor4d(x, shapes.x), dy: tf.tensor4d(dy, shapes.y) }),
      { filterShape: shapes.filter },
    ),
  };
}
