/** Conv2D and FusedConv2D against a float64 loop, over windows, strides, dilations, paddings and channel counts. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { describeBuilds, nativeBuilds } from '../testing/builds.js';
import { convolutions } from '../testing/convolutions.js';
import { describeConv, windowGrid } from '../testing/grid.js';
import { convolution, outputSize } from '../testing/reference.js';
import type { Conv } from '../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

type Shape = [number, number, number, number];

function check(conv: Conv, transform?: (x: Float32Array, w: Float32Array) => void): void {
  const { batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = conv;
  const xShape: Shape = [batch, inHeight, inWidth, inChannels];
  const wShape: Shape = [filterHeight, filterWidth, inChannels, outChannels];
  const x = randomValues(tf.util.sizeFromShape(xShape), 1);
  const w = randomValues(tf.util.sizeFromShape(wShape), 2);
  transform?.(x, w);
  const { shape, values } = evaluate(() =>
    tf.conv2d(tf.tensor4d(x, xShape), tf.tensor4d(w, wShape), [...conv.strides], conv.pad, 'NHWC', [
      ...(conv.dilations ?? [1, 1]),
    ]),
  );
  const { outHeight, outWidth } = outputSize(conv);
  expect(shape).toEqual([batch, outHeight, outWidth, outChannels]);
  expectClose(values, convolution(conv, x, w));
}

describeBuilds('conv2d', nativeBuilds, () => {
  for (const conv of windowGrid([
    'same',
    'valid',
    [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ],
  ])) {
    it(describeConv(conv), () => check(conv));
  }

  it('any geometry, with strides or dilations', () => {
    fc.assert(
      fc.property(convolutions, (conv) => check(conv)),
      { seed: 3, numRuns: 100 },
    );
  });

  it('1×1 windows, also with strides', () => {
    const conv = { ...windowGrid()[0]!, filterHeight: 1, filterWidth: 1, inChannels: 7, outChannels: 19 };
    check({ ...conv, strides: [1, 1], pad: 'valid' });
    check({ ...conv, strides: [2, 2], pad: 'same' });
  });

  it('gives the same bits again', () => {
    const x = tf.tensor4d(randomValues(2 * 9 * 9 * 5, 1), [2, 9, 9, 5]);
    const w = tf.tensor4d(randomValues(9 * 5 * 20, 2), [3, 3, 5, 20]);
    const run = (): Float32Array => tf.tidy(() => tf.conv2d(x, w, 1, 'same').dataSync<'float32'>());
    expect(run()).toEqual(run());
    tf.dispose([x, w]);
  });

  for (const [activation, apply] of Object.entries({
    linear: (v: number) => v,
    relu: (v: number) => Math.max(0, v),
    relu6: (v: number) => Math.min(6, Math.max(0, v)),
    elu: (v: number) => (v > 0 ? v : Math.expm1(v)),
    sigmoid: (v: number) => 1 / (1 + Math.exp(-v)),
    leakyrelu: (v: number) => (v > 0 ? v : 0.3 * v),
    prelu: (v: number) => (v > 0 ? v : 0.25 * v),
  })) {
    it(`fused with a bias and ${activation}`, () => {
      const conv = windowGrid()[10]!;
      const { batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = conv;
      const xShape: Shape = [batch, inHeight, inWidth, inChannels];
      const wShape: Shape = [filterHeight, filterWidth, inChannels, outChannels];
      const x = randomValues(tf.util.sizeFromShape(xShape), 4);
      const w = randomValues(tf.util.sizeFromShape(wShape), 5);
      const bias = randomValues(outChannels, 6);
      const { values } = evaluate(() =>
        tf.fused.conv2d({
          x: tf.tensor4d(x, xShape),
          filter: tf.tensor4d(w, wShape),
          strides: [...conv.strides],
          pad: conv.pad,
          bias: tf.tensor1d(bias),
          activation: activation as tf.fused.Activation,
          leakyreluAlpha: 0.3,
          ...(activation === 'prelu'
            ? { preluActivationWeights: tf.fill<tf.Rank.R3>([1, 1, outChannels], 0.25) }
            : {}),
        }),
      );
      expectClose(
        values,
        convolution(conv, x, w).map((value, at) => apply(value + bias[at % outChannels]!)),
      );
    });
  }

  it('keeps NaN and infinities where they are seen, and nowhere else', () => {
    const conv: Conv = { ...windowGrid()[5]!, inHeight: 6, inWidth: 6, strides: [1, 1], pad: 'same' };
    check(conv, (x) => {
      x[40] = NaN;
      x[90] = Infinity;
      x[91] = -Infinity;
    });
    check({ ...conv, filterHeight: 1, filterWidth: 1, pad: 'valid' }, (x) => {
      x[7] = NaN;
    });
  });

  it('handles an empty batch', () => {
    const y = evaluate(() =>
      tf.conv2d(tf.zeros<tf.Rank.R4>([0, 4, 4, 2]), tf.zeros<tf.Rank.R4>([3, 3, 2, 5]), 1, 'same'),
    );
    expect(y).toEqual({ shape: [0, 4, 4, 5], values: [] });
  });
});
