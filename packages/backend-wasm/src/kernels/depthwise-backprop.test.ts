/** Both gradients of depthwiseConv2d against a float64 loop, over shapes, strides, paddings and channel multipliers. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds, nativeBuilds } from '../testing/builds.js';
import { convolutions } from '../testing/convolutions.js';
import { describeConv, windowGrid } from '../testing/grid.js';
import { depthwiseGradients, eachMeeting, outputSize } from '../testing/reference.js';
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

describeBuilds('the gradients of depthwiseConv2d', allBuilds, () => {
  for (const multiplier of [1, 3]) {
    for (const conv of windowGrid()) {
      it(`multiplier ${multiplier}, ${describeConv(conv)}`, () =>
        check({ ...conv, outChannels: multiplier }));
    }
  }

  it('more channels than lanes, and a rest', () => {
    check({ ...windowGrid()[9]!, inChannels: 37, outChannels: 1 });
    check({ ...windowGrid()[12]!, inChannels: 20, outChannels: 1 });
  });

  it('more padding than the window is wide', () => {
    check({ ...windowGrid()[0]!, pad: 3, outChannels: 1 });
  });
});

/** conv(x, w) with one filter for each channel. */
function depthwise(conv: Conv, x: Float32Array, w: Float32Array): Float64Array {
  const { outHeight, outWidth } = outputSize(conv);
  const channels = conv.inChannels;
  const y = new Float64Array(conv.batch * outHeight * outWidth * channels);
  eachMeeting(conv, (n, i, j, u, v, h, wide) => {
    for (let c = 0; c < channels; c++) {
      const at = ((n * conv.inHeight + h) * conv.inWidth + wide) * channels + c;
      y[((n * outHeight + i) * outWidth + j) * channels + c]! +=
        x[at]! * w[(u * conv.filterWidth + v) * channels + c]!;
    }
  });
  return y;
}

describeBuilds('depthwiseConv2d', nativeBuilds, () => {
  it('any geometry, with strides or dilations', () => {
    fc.assert(
      fc.property(convolutions, ({ outChannels: inChannels, ...conv }) => {
        const own: Conv = { ...conv, inChannels, outChannels: 1 };
        const xShape: [number, number, number, number] = [own.batch, own.inHeight, own.inWidth, inChannels];
        const wShape: [number, number, number, number] = [own.filterHeight, own.filterWidth, inChannels, 1];
        const x = randomValues(tf.util.sizeFromShape(xShape), 1);
        const w = randomValues(tf.util.sizeFromShape(wShape), 2);
        const { values } = evaluate(() =>
          tf.depthwiseConv2d(
            tf.tensor4d(x, xShape),
            tf.tensor4d(w, wShape),
            [...own.strides],
            own.pad,
            'NHWC',
            [...(own.dilations ?? [1, 1])],
          ),
        );
        expectClose(values, depthwise(own, x, w));
      }),
      { seed: 4, numRuns: 100 },
    );
  });
});
