/** Both gradients of conv2d against a float64 loop, over shapes, strides, paddings and sizes that need several chunks. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { describeConv, windowGrid } from '../testing/grid.js';
import { convolutions } from '../testing/convolutions.js';
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
      // The kernels as the gradient of Conv2D calls them; that gradient refuses dilations, the kernels do not.
      const attrs = {
        strides: [...conv.strides],
        dilations: [...(conv.dilations ?? [1, 1])],
        pad: conv.pad,
        dataFormat: 'NHWC',
      };
      const upstream = tf.tensor4d(dy, yShape);
      return which === 0
        ? tf
            .engine()
            .runKernel<tf.Tensor>(
              'Conv2DBackpropInput',
              { dy: upstream, filter: tf.tensor4d(w, wShape) },
              { ...attrs, inputShape: xShape },
            )
        : tf
            .engine()
            .runKernel<tf.Tensor>(
              'Conv2DBackpropFilter',
              { x: tf.tensor4d(x, xShape), dy: upstream },
              { ...attrs, filterShape: wShape },
            );
    });
  const input = gradient(0);
  const filter = gradient(1);
  expect(input.shape).toEqual(xShape);
  expect(filter.shape).toEqual(wShape);
  expectClose(input.values, expected.input, tolerance);
  expectClose(filter.values, expected.filter, tolerance);
}

describeBuilds('the gradients of conv2d', allBuilds, (build) => {
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

  it('any geometry, with strides or dilations', () => {
    fc.assert(
      fc.property(convolutions, (conv) => {
        // Left to a stock kernel that knows no dilation.
        if (build === 'off' && conv.dilations !== undefined) return;
        check(conv);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it('is what autodiff of conv2d gives', () => {
    const conv: Conv = {
      batch: 3,
      inHeight: 6,
      inWidth: 7,
      inChannels: 2,
      filterHeight: 3,
      filterWidth: 3,
      outChannels: 3,
      strides: [2, 1],
      pad: 'same',
    };
    const [x, w] = [randomValues(3 * 6 * 7 * 2, 5), randomValues(3 * 3 * 2 * 3, 6)];
    const { outHeight, outWidth } = outputSize(conv);
    const ones = new Float64Array(3 * outHeight * outWidth * 3).fill(1);
    const expected = convolutionGradients(conv, x, w, ones);
    const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      tf.sum(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, [...conv.strides], conv.pad));
    const gradient = (which: number): number[] =>
      evaluate(() => tf.grads(f)([tf.tensor4d(x, [3, 6, 7, 2]), tf.tensor4d(w, [3, 3, 2, 3])])[which]!)
        .values;
    expectClose(gradient(0), expected.input);
    expectClose(gradient(1), expected.filter);
  });

  it('an empty batch has a filter gradient of zero', () => {
    const { values } = evaluate(() =>
      tf
        .engine()
        .runKernel<tf.Tensor>(
          'Conv2DBackpropFilter',
          { x: tf.zeros([0, 4, 4, 2]), dy: tf.zeros([0, 4, 4, 1]) },
          { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 2, 1] },
        ),
    );
    expect(values).toEqual(new Array(18).fill(0));
  });

  it('gives the same bits again', () => {
    const run = (): Float32Array =>
      tf.tidy(() =>
        tf
          .grad((w: tf.Tensor) => tf.sum(tf.square(tf.conv2d(x, w as tf.Tensor4D, 1, 'same'))))(filter)
          .dataSync<'float32'>(),
      );
    const x = tf.tensor4d(randomValues(2 * 9 * 9 * 5, 1), [2, 9, 9, 5]);
    const filter = tf.tensor4d(randomValues(9 * 5 * 20, 2), [3, 3, 5, 20]);
    expect(run()).toEqual(run());
    tf.dispose([x, filter]);
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
