/** depthwiseConv2d and its fused form against a float64 loop, over geometries, channel multipliers, biases and activations. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { allBuilds, describeBuilds, nativeBuilds } from '../testing/builds.js';
import { depthwiseConvolutions } from '../testing/convolutions.js';
import { depthwiseShapes, runForward } from '../testing/depthwise.js';
import { depthwiseConvolution } from '../testing/reference.js';
import type { Conv } from '../testing/reference.js';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

const plain: Conv = {
  batch: 2,
  inHeight: 6,
  inWidth: 5,
  inChannels: 5,
  filterHeight: 3,
  filterWidth: 2,
  outChannels: 3,
  strides: [1, 1],
  pad: 'same',
};

const inputsOf = (conv: Conv): [x: Float32Array, filter: Float32Array] => {
  const shapes = depthwiseShapes(conv);
  return [
    randomValues(tf.util.sizeFromShape(shapes.x), 1),
    randomValues(tf.util.sizeFromShape(shapes.filter), 2),
  ];
};

describeBuilds('depthwiseConv2d', nativeBuilds, () => {
  it('any geometry, channels and multiplier, with strides or dilations', () => {
    fc.assert(
      fc.property(depthwiseConvolutions, (conv) => {
        const [x, filter] = inputsOf(conv);
        expectClose(runForward(conv, x, filter), depthwiseConvolution(conv, x, filter));
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('more channels than lanes, and a rest', () => {
    for (const inChannels of [16, 37]) {
      for (const outChannels of [1, 2, 4, 9]) {
        const conv = { ...plain, inChannels, outChannels };
        const [x, filter] = inputsOf(conv);
        expectClose(runForward(conv, x, filter), depthwiseConvolution(conv, x, filter));
      }
    }
  });

  it('NaN and infinities reach the outputs whose windows meet them, and nothing else', () => {
    for (const outChannels of [1, 3]) {
      const conv = { ...plain, outChannels };
      const [x, filter] = inputsOf(conv);
      x[3] = NaN;
      x[40] = Infinity;
      x[x.length - 1] = -Infinity;
      const expected = depthwiseConvolution(conv, x, filter);
      expect(expected.some(Number.isNaN)).toBe(true);
      expectClose(runForward(conv, x, filter), expected);
      filter[1] = Infinity;
      filter[2] = NaN;
      // Without padding, which is 0 and makes NaN of an infinite weight.
      const inside: Conv = { ...conv, pad: 'valid' };
      expectClose(runForward(inside, x, filter), depthwiseConvolution(inside, x, filter));
    }
  });

  it('is empty without images, channels or multiples, and zero over windows without elements', () => {
    expect(runForward({ ...plain, batch: 0 }, new Float32Array(0), inputsOf(plain)[1])).toEqual([]);
    expect(runForward({ ...plain, inChannels: 0 }, new Float32Array(0), new Float32Array(0))).toEqual([]);
    expect(runForward({ ...plain, outChannels: 0 }, inputsOf(plain)[0], new Float32Array(0))).toEqual([]);
  });

  it('refuses NCHW', () => {
    tf.tidy(() => {
      const [x, filter] = [randomTensor([1, 2, 4, 4], 1), randomTensor([2, 2, 2, 1], 2)];
      expect(() =>
        tf
          .engine()
          .runKernel('DepthwiseConv2dNative', { x, filter }, { strides: 1, pad: 'same', dataFormat: 'NCHW' }),
      ).toThrow(/NHWC/);
    });
  });
});

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** By definition, with α = 0.3 for leaky ReLU and 0.25 for each channel of PReLU. */
const activations = {
  linear: (x: number) => x,
  relu: (x: number) => Math.max(0, x),
  relu6: (x: number) => Math.min(6, Math.max(0, x)),
  elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
  sigmoid,
  leakyrelu: (x: number) => (x > 0 ? x : 0.3 * x),
  prelu: (x: number) => (x > 0 ? x : 0.25 * x),
} as const;
type Activation = keyof typeof activations;
const names = Object.keys(activations) as Activation[];

function runFused(
  conv: Conv,
  x: Float32Array,
  filter: Float32Array,
  bias: Float32Array | null,
  activation: Activation,
): number[] {
  const shapes = depthwiseShapes(conv);
  const { values } = evaluate(() =>
    tf.fused.depthwiseConv2d({
      x: tf.tensor4d(x, shapes.x),
      filter: tf.tensor4d(filter, shapes.filter),
      strides: [...conv.strides],
      dilations: [...(conv.dilations ?? [1, 1])] as [number, number],
      pad: conv.pad as 'same',
      ...(bias === null ? {} : { bias: tf.tensor1d(bias) }),
      activation,
      ...(activation === 'prelu' ? { preluActivationWeights: tf.fill([shapes.y[3]], 0.25) } : {}),
      ...(activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {}),
    }),
  );
  return values;
}

describeBuilds('the fused depthwiseConv2d', nativeBuilds, () => {
  it('any geometry and multiplier, with every activation, with and without a bias', () => {
    fc.assert(
      fc.property(
        depthwiseConvolutions,
        fc.constantFrom(...names),
        fc.boolean(),
        (conv, activation, biased) => {
          const [x, filter] = inputsOf(conv);
          const channels = depthwiseShapes(conv).y[3];
          const bias = biased ? randomValues(channels, 3) : null;
          const sums = depthwiseConvolution(conv, x, filter);
          expectClose(
            runFused(conv, x, filter, bias, activation),
            sums.map((sum, i) => activations[activation](sum + (bias?.[i % channels] ?? 0))),
          );
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });

  it('has the gradient of its parts', () => {
    const shapes = depthwiseShapes(plain);
    const [x, filter] = inputsOf(plain);
    const dy = randomTensor(shapes.y, 4);
    const bias = randomValues(shapes.y[3], 3);
    const gradients = (fused: boolean): number[][] =>
      [0, 1, 2].map(
        (which) =>
          evaluate(() => {
            const f = (a: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor =>
              fused
                ? tf.fused.depthwiseConv2d({
                    x: a as tf.Tensor4D,
                    filter: w as tf.Tensor4D,
                    strides: 1,
                    pad: 'same',
                    bias: b,
                    activation: 'relu',
                  })
                : tf.relu(tf.add(tf.depthwiseConv2d(a as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), b));
            const inputs = [tf.tensor4d(x, shapes.x), tf.tensor4d(filter, shapes.filter), tf.tensor1d(bias)];
            return tf.grads(f)(inputs, dy)[which]!;
          }).values,
      );
    const parts = gradients(false);
    gradients(true).forEach((gradient, i) => expectClose(gradient, parts[i]!));
    dy.dispose();
  });

  it('gives the same bits every time', () => {
    const [x, filter] = inputsOf(plain);
    const bias = randomValues(15, 3);
    const first = runFused(plain, x, filter, bias, 'sigmoid');
    expect(runFused(plain, x, filter, bias, 'sigmoid')).toEqual(first);
  });
});

describe('the fused depthwiseConv2d', () => {
  it('refuses an activation that it does not know, and keeps nothing', () => {
    const tensors = tf.memory().numTensors;
    tf.tidy(() => {
      const [x, filter] = [randomTensor([1, 4, 4, 2], 1), randomTensor([2, 2, 2, 1], 2)];
      expect(() =>
        tf
          .engine()
          .runKernel(
            'FusedDepthwiseConv2D',
            { x, filter },
            { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC', activation: 'softsign' },
          ),
      ).toThrow(/'softsign' is not known/);
    });
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

describeBuilds('the fused depthwiseConv2d at equal strides', allBuilds, () => {
  it('is right also by the stock kernel', () => {
    const [x, filter] = inputsOf({ ...plain, outChannels: 1 });
    const bias = randomValues(5, 3);
    const conv = { ...plain, outChannels: 1 };
    expectClose(
      runFused(conv, x, filter, bias, 'relu'),
      depthwiseConvolution(conv, x, filter).map((sum, i) => Math.max(0, sum + bias[i % 5]!)),
    );
  });
});
