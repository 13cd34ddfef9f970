/** Both gradients of conv2d against a float64 loop, over shapes, strides, paddings and sizes that need several chunks. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeConv, windowGrid } from '../testing/grid.js';
import { convolutionGradients, outputSize } from '../testing/reference.js';
import type { Conv } from '../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

function check(conv: Conv, tolerance = 1e-5): void {
  const { batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = conv;
  const xShape: [number, number, number, number] = [batch, inHeight, inWidth, inChannels];
  const wShape: [number, number, number, number] = [filterHeight, filterWidth, inChannels, outChannels];
  const { outHeight, outWidth } = outputSize(conv);
  const yShape: [number, number, number, number] = [batch, outHeight, outWidth, outChannels];
  const x = randomValues(tf.util.sizeFromShape(xShape), 1);
  const w = randomValues(tf.util.sizeFromShape(wShape), 2);
  const dy = randomValues(tf.util.sizeFromShape(yShape), 3);
  const expected = convolutionGradients(conv, x, w, dy);
  const gradient = (which: 0 | 1) =>
    evaluate(() => {
      const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, [...conv.strides], conv.pad);
      return tf.grads(f)([tf.tensor4d(x, xShape), tf.tensor4d(w, wShape)], tf.tensor4d(dy, yShape))[which]!;
    });
  const input = gradient(0);
  const filter = gradient(1);
  expect(input.shape).toEqual(xShape);
  expect(filter.shape).toEqual(wShape);
  expectClose(input.values, expected.input, tolerance);
  expectClose(filter.values, expected.filter, tolerance);
}

describe('the gradients of conv2d', () => {
  for (const conv of windowGrid()) it(describeConv(conv), () => check(conv));

  it('more padding than the window is wide', () => {
    check({ ...windowGrid()[0]!, pad: 3 });
  });

  it('several chunks of output rows, and a batch that makes long runs', () => {
    const conv: Conv = {
      batch: 32,
      inHeight: 12,
      inWidth: 12,
      inChannels: 8,
      filterHeight: 5,
      filterWidth: 5,
      outChannels: 4,
      strides: [1, 1],
      pad: 'same',
    };
    check(conv, 5e-5);
    check({ ...conv, strides: [2, 2] }, 5e-5);
  });

  it('one channel in, one out, and many out', () => {
    const conv = windowGrid()[4]!;
    check({ ...conv, inChannels: 1, outChannels: 1 });
    check({ ...conv, inChannels: 3, outChannels: 40 });
  });

  it('refuses channels first', () => {
    const x = tf.zeros([1, 2, 4, 4]);
    const dy = tf.zeros([1, 3, 4, 4]);
    const call = (): unknown =>
      tf.engine().runKernel(
        'Conv2DBackpropFilter',
        { x, dy },
        {
          strides: [1, 1],
          pad: 'same',
          dataFormat: 'NCHW',
          filterShape: [3, 3, 2, 3],
        },
      );
    expect(call).toThrow(/NHWC/);
  });
});
