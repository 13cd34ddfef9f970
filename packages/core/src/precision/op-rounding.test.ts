/** Which tensors of a forward and a backward pass are rounded, against hand-rolled passes and by looking at every one of them. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { uniformTensor, values } from '../../test/numeric.js';
import { batchOf, disposeUsed, pass, use, weight } from '../../test/objective-pass.js';
import { hasAll, nearest } from '../../test/sixteen-bit.js';
import { createObjective, withPrecision } from '../index.js';
import type { Objective, SupervisedBatch } from '../index.js';

afterEach(() => {
  disposeUsed();
  expect(Object.hasOwn(tf.engine(), 'runKernelFunc')).toBe(false);
});

/** Passes a tensor on and calls `see` with its cotangent. */
function probe(x: tf.Tensor, see: (cotangent: number[]) => void): tf.Tensor {
  return tf.customGrad((value) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: (cotangent: tf.Tensor) => {
      see(values(cotangent));
      return cotangent;
    },
  }))(x);
}

describe.each(['bf16', 'fp16'] as const)('%s', (precision) => {
  const round = (x: number): number => nearest(precision, x);

  it('is the 16-bit pass one would write by hand', () => {
    // y = σ(x W + b) V with one example; every product, sum and σ below is exact to far more digits than the formats have.
    const [w, b, v] = [weight([2, 2], 1), weight([2], 2), weight([2, 1], 3)];
    const batch = batchOf(tf.tensor2d([[0.7123, -1.377]]), tf.tensor2d([[0.25]]));
    const objective = createObjective<SupervisedBatch>({
      variables: [w, b, v],
      predict: ({ inputs }) => tf.matMul(tf.sigmoid(tf.add(tf.matMul(inputs, w as tf.Tensor2D), b)), v),
      loss: (y, { targets }) => tf.mul(tf.sum(tf.squaredDifference(y as tf.Tensor, targets)), 0.5),
    });
    const [W, B, V] = [w, b, v].map((variable) => values(variable).map(round)) as [
      number[],
      number[],
      number[],
    ];
    const x = [0.7123, -1.377].map((value) => round(Math.fround(value)));
    const a = [0, 1].map((j) => round(round(x[0]! * W[j]! + x[1]! * W[2 + j]!) + B[j]!));
    const h = a.map((value) => round(1 / (1 + Math.exp(-value))));
    const y = round(h[0]! * V[0]! + h[1]! * V[1]!);
    const dy = round(y - 0.25);
    const dv = h.map((value) => round(value * dy));
    const dh = V.map((value) => round(value * dy));
    // σ′ from the stored, rounded σ; the cotangent of the sum is rounded again where it comes back to the product.
    const da = dh.map((value, j) => round(value * (h[j]! * (1 - h[j]!))));
    const dw = x.flatMap((value) => da.map((d) => round(value * d)));

    const actual = pass(withPrecision(objective, precision), batch);
    expect(actual.outputs).toEqual([y]);
    expect(actual.gradients).toEqual({ [w.name]: dw, [b.name]: da, [v.name]: dv });
    // The loss is float32: ½ (y − t)², not rounded.
    expect(actual.loss).toBe(Math.fround(Math.fround(Math.fround(y - 0.25) ** 2) * 0.5));
  });

  it('rounds every activation and cotangent of layers of every kind, fused ones too', () => {
    const [filter, depthwise, dense, prelu] = [
      weight([3, 3, 1, 4], 10),
      weight([3, 3, 4, 1], 11),
      weight([16, 3], 12),
      weight([4], 13),
    ];
    const [scale, shift, bias] = [weight([4], 14), weight([4], 15), weight([3], 16)];
    let seen = 0;
    const look = (name: string, x: tf.Tensor): tf.Tensor => {
      const check = (what: string, data: number[]): void => {
        if (!hasAll(precision, data)) expect.fail(`the ${what} of ${name} is not in ${precision}`);
        seen++;
      };
      check('result', values(x));
      return probe(x, (cotangent) => check('cotangent', cotangent));
    };
    const batch = batchOf(uniformTensor([2, 4, 4, 1], 20), uniformTensor([2, 3], 21));
    const objective = createObjective({
      variables: [filter, depthwise, dense, prelu, scale, shift, bias],
      predict: ({ inputs }) => {
        const fused = { strides: 1, pad: 'same' } as const;
        let h: tf.Tensor = tf.fused.conv2d({
          x: inputs as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          bias: shift,
          activation: 'relu',
          ...fused,
        });
        h = look('fused convolution', h);
        const { mean, variance } = tf.moments(h, [0, 1, 2]);
        h = look('batch norm', tf.batchNorm(h, mean, variance, shift, scale));
        h = look('prelu', tf.prelu(h, prelu));
        h = look(
          'depthwise convolution',
          tf.depthwiseConv2d(h as tf.Tensor4D, depthwise as tf.Tensor4D, 1, 'same'),
        );
        h = look('residual', tf.add(h, tf.tanh(h)));
        h = look('softplus', tf.softplus(h));
        h = look('average pooling', tf.avgPool(h as tf.Tensor4D, 2, 2, 'valid'));
        h = look('reshape', tf.reshape(h, [2, 16]));
        h = look('soft maximum', tf.softmax(h));
        h = look('logarithm', tf.logSoftmax(h));
        return look('fused product', tf.fused.matMul({ a: h, b: dense, bias, activation: 'linear' }));
      },
      loss: 'squared-error',
    });
    const { outputs, gradients } = pass(withPrecision(objective, precision), batch);
    expect(seen).toBe(22);
    expect(hasAll(precision, outputs)).toBe(true);
    for (const [name, gradient] of Object.entries(gradients)) {
      // `shift` has two uses: the float32 sum of two rounded gradients.
      if (name !== shift.name) expect(hasAll(precision, gradient)).toBe(true);
      expect(gradient.some((value) => value !== 0)).toBe(true);
    }
    // The same without the wrapper gives neither.
    seen = 0;
    expect(() => pass(objective, batch)).toThrow(`the result of fused convolution is not in ${precision}`);
  });

  it('takes a fused product of raw inputs for what it is, backward too', () => {
    const w = weight([5, 3], 25);
    const batch = batchOf(uniformTensor([4, 5], 26), uniformTensor([4, 3], 27));
    const objective = (product: (x: tf.Tensor) => tf.Tensor): Objective<SupervisedBatch> =>
      createObjective({
        variables: [w],
        predict: ({ inputs }) => product(inputs),
        loss: 'squared-error',
      });
    const fused = objective((a) => tf.fused.matMul({ a, b: w }));
    const plain = objective((a) => tf.matMul(a, w));
    expect(pass(withPrecision(fused, precision), batch)).toEqual(
      pass(withPrecision(plain, precision), batch),
    );
  });

  it('stays close to float32', () => {
    const [w, v] = [weight([6, 8], 30), weight([8, 3], 31)];
    const batch = batchOf(uniformTensor([16, 6], 32), uniformTensor([16, 3], 33));
    const objective = createObjective({
      variables: [w, v],
      predict: ({ inputs }) => tf.matMul(tf.relu(tf.matMul(inputs, w as tf.Tensor2D)), v as tf.Tensor2D),
      loss: 'squared-error',
    });
    const exact = pass(objective, batch);
    const coarse = pass(withPrecision(objective, precision, { masterWeights: true }), batch);
    // A dozen roundings of half a unit each, 2⁻⁹ or 2⁻¹², on values of order one.
    const unit = precision === 'bf16' ? 2 ** -9 : 2 ** -12;
    expect(Math.abs(coarse.loss - exact.loss)).toBeLessThan(12 * unit * exact.loss);
    for (const [name, gradient] of Object.entries(exact.gradients)) {
      const scale = Math.max(...gradient.map(Math.abs));
      gradient.forEach((value, i) => {
        expect(Math.abs(coarse.gradients[name]![i]! - value)).toBeLessThan(12 * unit * scale);
      });
    }
  });

  it('leaves masks, random numbers and float32 accumulators alone', () => {
    const w = weight([4, 4], 40);
    const batch = batchOf(uniformTensor([3, 4], 41), uniformTensor([3, 4], 42));
    const seen: Record<string, number[]> = {};
    const objective = createObjective({
      variables: [w],
      predict: ({ inputs }) => {
        const scores = tf.matMul(inputs, w);
        const open = tf.tensor1d([1, 1, 0, 1]);
        // −1e9 is beyond float16: 0 · (−1e9) must not become 0 · ∞.
        const mask = tf.mul(tf.sub(1, open), -1e9);
        const noise = tf.randomUniform([4], 0, 1, 'float32', 7);
        const mean = tf.mean(scores, 0);
        Object.assign(seen, {
          mask: values(mask),
          noise: values(noise),
          mean: values(mean),
          scores: values(scores),
        });
        return tf.add(tf.softmax(tf.add(scores, mask)), tf.mul(mean, noise));
      },
      loss: 'squared-error',
    });
    const { outputs, gradients } = pass(withPrecision(objective, precision), batch);
    expect(seen['mask']).toEqual([-0, -0, -1e9, -0]);
    expect(seen['noise']).toEqual(values(use(tf.randomUniform([4], 0, 1, 'float32', 7))));
    const scores = seen['scores']!;
    seen['mean']!.forEach((mean, i) => {
      expect(mean).toBeCloseTo((scores[i]! + scores[4 + i]! + scores[8 + i]!) / 3, 6);
    });
    expect(hasAll(precision, seen['mean']!)).toBe(false);
    expect([...outputs, ...gradients[w.name]!].every(Number.isFinite)).toBe(true);
  });
});

it('works inside itself: what both formats have', () => {
  const w = weight([3, 3], 90);
  const batch = batchOf(uniformTensor([2, 3], 91), uniformTensor([2, 3], 92));
  const objective = createObjective({
    variables: [w],
    predict: ({ inputs }) => tf.sigmoid(tf.matMul(inputs, w as tf.Tensor2D)),
    loss: 'squared-error',
  });
  const { outputs } = pass(withPrecision(withPrecision(objective, 'fp16'), 'bf16'), batch);
  expect(hasAll('fp16', outputs) && hasAll('bf16', outputs)).toBe(true);
});
