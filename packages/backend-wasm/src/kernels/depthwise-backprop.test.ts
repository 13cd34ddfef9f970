/** Both gradients of depthwiseConv2d against a float64 loop, over shapes, strides, paddings and channel multipliers. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeConv, windowGrid } from '../testing/grid.js';
import { depthwiseGradients, outputSize } from '../testing/reference.js';
import type { Conv } from '../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

function check(conv: Conv): void {
  const { batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = conv;
  const xShape: [number, number, number, number] = [batch, inHeight, inWidth, inChannels];
  const wShape: [number, number, number, number] = [filterHeight, filterWidth, inChannels, outChannels];
  const { outHeight, outWidth } = outputSize(conv);
  const yShape: [number, number, number, number] = [batch, outHeight, outWidth, inChannels * outChannels];
  const x = randomValues(tf.util.sizeFromShape(xShape), 1);
  const w = randomValues(tf.util.sizeFromShape(wShape), 2);
  const dy = randomValues(tf.util.sizeFromShape(yShape), 3);
  const expected = depthwiseGradients(conv, x, w, dy);
  const gradient = (which: 0 | 1) =>
    evaluate(() => {
      const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, [...conv.strides], conv.pad);
      return tf.grads(f)([tf.tensor4d(x, xShape), tf.tensor4d(w, wShape)], tf.tensor4d(dy, yShape))[which]!;
    });
  const input = gradient(0);
  const filter = gradient(1);
  expect(input.shape).toEqual(xShape);
  expect(filter.shape).toEqual(wShape);
  expectClose(input.values, expected.input);
  expectClose(filter.values, expected.filter);
}

describe('the gradients of depthwiseConv2d', () => {
  for (const multiplier of [1, 3]) {
    for (const conv of windowGrid()) {
      it(`multiplier ${multiplier}, ${describeConv(conv)}`, () =>
        check({ ...conv, outChannels: multiplier }));
    }
  }

  it('more padding than the window is wide', () => {
    check({ ...windowGrid()[0]!, pad: 3, outChannels: 1 });
  });
});
