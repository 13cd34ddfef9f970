/** Both gradients of depthwiseConv2d against a float64 loop, over shapes, strides, dilations, paddings and channel multipliers. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { depthwiseConvolutions } from '../testing/convolutions.js';
import { depthwiseShapes, runGradients } from '../testing/depthwise.js';
import { describeConv, windowGrid } from '../testing/grid.js';
import { depthwiseGradients } from '../testing/reference.js';
import type { Conv } from '../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

interface Values {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly dy: Float32Array;
}

function valuesOf(conv: Conv): Values {
  const shapes = depthwiseShapes(conv);
  return {
    x: randomValues(tf.util.sizeFromShape(shapes.x), 1),
    w: randomValues(tf.util.sizeFromShape(shapes.filter), 2),
    dy: randomValues(tf.util.sizeFromShape(shapes.y), 3),
  };
}

function check(conv: Conv, { x, w, dy }: Values = valuesOf(conv)): void {
  const actual = runGradients(conv, x, w, dy);
  const expected = depthwiseGradients(conv, x, w, dy);
  expectClose(actual.input, expected.input);
  expectClose(actual.filter, expected.filter);
}

describeBuilds('the gradients of depthwiseConv2d', allBuilds, (build) => {
  for (const multiplier of [1, 3]) {
    for (const conv of windowGrid()) {
      it(`multiplier ${multiplier}, ${describeConv(conv)}`, () =>
        check({ ...conv, outChannels: multiplier }));
    }
  }

  it('more channels than lanes, and a rest', () => {
    for (const multiplier of [1, 2, 4, 5, 8]) {
      check({ ...windowGrid()[9]!, inChannels: 37, outChannels: multiplier });
      check({ ...windowGrid()[12]!, inChannels: 20, outChannels: multiplier });
    }
  });

  it('more padding than the window is wide', () => {
    for (const multiplier of [1, 2]) check({ ...windowGrid()[0]!, pad: 3, outChannels: multiplier });
  });

  it('any geometry, channels and multiplier, with strides or dilations', () => {
    fc.assert(
      fc.property(depthwiseConvolutions, (conv) => check(conv)),
      { seed: 6, numRuns: 150 },
    );
  });

  it('what tf.grads gives', () => {
    const conv: Conv = { ...windowGrid()[5]!, pad: 'same', strides: [2, 2], inChannels: 5, outChannels: 3 };
    const shapes = depthwiseShapes(conv);
    const { x, w, dy } = valuesOf(conv);
    const gradients = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
      tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, [...conv.strides], conv.pad),
    );
    const expected = depthwiseGradients(conv, x, w, dy);
    const of = (which: 0 | 1): number[] =>
      evaluate(
        () =>
          gradients([tf.tensor4d(x, shapes.x), tf.tensor4d(w, shapes.filter)], tf.tensor4d(dy, shapes.y))[
            which
          ]!,
      ).values;
    expectClose(of(0), expected.input);
    expectClose(of(1), expected.filter);
  });

  it('NaN and infinities of the image and of the upstream gradient reach what they belong to, and nothing else', () => {
    for (const multiplier of [1, 3]) {
      for (const pad of ['same', 'valid'] as const) {
        const conv: Conv = {
          ...windowGrid()[5]!,
          pad,
          strides: [2, 2],
          inChannels: 6,
          outChannels: multiplier,
        };
        const { x, w, dy } = valuesOf(conv);
        // Far enough apart that no two meet in one sum: ∞ − ∞ would depend on the order.
        x[0] = NaN;
        x[7] = Infinity;
        dy[0] = -Infinity;
        dy[dy.length - 1] = NaN;
        check(conv, { x, w, dy });
      }
    }
  });

  it('of nothing are empty or zero', () => {
    const conv: Conv = { ...windowGrid()[0]!, pad: 'valid', outChannels: 2 };
    const empty = new Float32Array(0);
    const noImages = runGradients({ ...conv, batch: 0 }, empty, valuesOf(conv).w, empty);
    expect(noImages.input).toEqual([]);
    expect(noImages.filter).toEqual(Array.from(valuesOf(conv).w, () => 0));
    const noChannels = runGradients({ ...conv, inChannels: 0 }, empty, empty, empty);
    expect(noChannels).toEqual({ input: [], filter: [] });
  });

  it(`gives the same bits every time, build ${build}`, () => {
    const conv: Conv = { ...windowGrid()[4]!, inChannels: 21, outChannels: 2 };
    const { x, w, dy } = valuesOf(conv);
    expect(runGradients(conv, x, w, dy)).toEqual(runGradients(conv, x, w, dy));
  });
});
