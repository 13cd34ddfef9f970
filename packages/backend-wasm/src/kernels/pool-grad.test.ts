/** The gradients of max and average pooling against float64 loops, with negative maxima, ties, NaN, infinities and padding. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { describeConv, windowGrid } from '../testing/grid.js';
import { avgPoolGradient, maxPoolGradient, outputSize } from '../testing/reference.js';
import type { Conv } from '../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

/** With two channels, and with six: a vector and two more. */
const grid = (pads?: readonly Conv['pad'][]): Conv[] =>
  windowGrid(pads).flatMap((conv) => [conv, { ...conv, inChannels: 6 }]);

type Pool = typeof tf.maxPool;

function gradient(pool: Pool, conv: Conv, x: Float32Array, dy: Float32Array): number[] {
  const shape: [number, number, number, number] = [conv.batch, conv.inHeight, conv.inWidth, conv.inChannels];
  const { outHeight, outWidth } = outputSize(conv);
  const result = evaluate(() =>
    tf.grad((input: tf.Tensor) =>
      pool(input as tf.Tensor4D, [conv.filterHeight, conv.filterWidth], [...conv.strides], conv.pad),
    )(tf.tensor4d(x, shape), tf.tensor4d(dy, [conv.batch, outHeight, outWidth, conv.inChannels])),
  );
  expect(result.shape).toEqual(shape);
  return result.values;
}

function sizes(conv: Conv): { input: number; output: number } {
  const { outHeight, outWidth } = outputSize(conv);
  return {
    input: conv.batch * conv.inHeight * conv.inWidth * conv.inChannels,
    output: conv.batch * outHeight * outWidth * conv.inChannels,
  };
}

describeBuilds('the gradient of maxPool', allBuilds, () => {
  for (const conv of grid()) {
    it(`values of both signs, and all negative: ${describeConv(conv)}, ${conv.inChannels} channels`, () => {
      const { input, output } = sizes(conv);
      const dy = randomValues(output, 2);
      for (const shift of [0, -5]) {
        const x = randomValues(input, 1).map((value) => value + shift);
        expectClose(gradient(tf.maxPool, conv, x, dy), maxPoolGradient(conv, x, dy));
      }
    });
  }

  it('gives a tie to the first of the window', () => {
    for (const conv of grid()) {
      const { input, output } = sizes(conv);
      const x = randomValues(input, 3).map((value) => Math.sign(value));
      const dy = randomValues(output, 4);
      expectClose(gradient(tf.maxPool, conv, x, dy), maxPoolGradient(conv, x, dy));
    }
  });

  const single: Conv = {
    batch: 1,
    inHeight: 2,
    inWidth: 2,
    inChannels: 1,
    filterHeight: 2,
    filterWidth: 2,
    outChannels: 1,
    strides: [2, 2],
    pad: 'valid',
  };

  it('follows infinities, and a window of −∞ to its first element', () => {
    const one = new Float32Array([1]);
    expect(gradient(tf.maxPool, single, new Float32Array([1, Infinity, 2, Infinity]), one)).toEqual([
      0, 1, 0, 0,
    ]);
    expect(gradient(tf.maxPool, single, new Float32Array(4).fill(-Infinity), one)).toEqual([1, 0, 0, 0]);
  });

  it('gives a window of NaN to its first element, so that no gradient is lost', () => {
    expect(gradient(tf.maxPool, single, new Float32Array(4).fill(NaN), new Float32Array([1]))).toEqual([
      1, 0, 0, 0,
    ]);
  });

  it('finds the winner of every channel by itself: NaN, −∞, infinities and numbers side by side', () => {
    // Windows of one channel each, and where the gradient goes: as above, one channel at a time.
    const windows = [
      [NaN, NaN, NaN, NaN],
      [-Infinity, -Infinity, -Infinity, -Infinity],
      [1, Infinity, 2, Infinity],
      [-3, -2, -2, -4],
      [0, -0, 0, 0],
      [5, 6, 7, 8],
    ];
    const winners = [0, 0, 1, 1, 0, 3];
    const x = new Float32Array(24);
    windows.forEach((window, channel) => window.forEach((value, at) => (x[6 * at + channel] = value)));
    const expected = new Array<number>(24).fill(0);
    winners.forEach((at, channel) => (expected[6 * at + channel] = channel + 1));
    const conv = { ...single, inChannels: 6 };
    expect(gradient(tf.maxPool, conv, x, new Float32Array([1, 2, 3, 4, 5, 6]))).toEqual(expected);
  });

  it('carries a NaN upstream gradient to the winner only', () => {
    expectClose(gradient(tf.maxPool, single, new Float32Array([1, 2, 4, 3]), new Float32Array([NaN])), [
      0,
      0,
      NaN,
      0,
    ]);
  });
});

describeBuilds('the gradient of avgPool', allBuilds, () => {
  for (const conv of grid()) {
    it(`${describeConv(conv)}, ${conv.inChannels} channels`, () => {
      const { input, output } = sizes(conv);
      const dy = randomValues(output, 5);
      expectClose(gradient(tf.avgPool, conv, randomValues(input, 6), dy), avgPoolGradient(conv, input, dy));
    });
  }

  it('is the adjoint of avgPool itself: ⟨dy, pool(x)⟩ = ⟨grad, x⟩', () => {
    // Without the uneven padding: a window wholly inside it averages nothing, 0/0.
    for (const conv of grid(['same', 'valid', 1])) {
      const { input, output } = sizes(conv);
      const x = randomValues(input, 7);
      const dy = randomValues(output, 8);
      const y = evaluate(() =>
        tf.avgPool(
          tf.tensor4d(x, [conv.batch, conv.inHeight, conv.inWidth, conv.inChannels]),
          [conv.filterHeight, conv.filterWidth],
          [...conv.strides],
          conv.pad,
        ),
      ).values;
      const forward = y.reduce((sum, value, i) => sum + value * dy[i]!, 0);
      const backward = gradient(tf.avgPool, conv, x, dy).reduce((sum, value, i) => sum + value * x[i]!, 0);
      expect(backward).toBeCloseTo(forward, 4);
    }
  });
});
