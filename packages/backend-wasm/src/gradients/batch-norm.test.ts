/** The gradient of batch normalisation against tfjs-core's own and against central differences through batch statistics. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { installTrainingKernels, removeTrainingKernels } from '../install.js';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);
afterEach(() => installTrainingKernels());

type Inputs = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

function gradients(inputs: Inputs, dy: tf.Tensor): number[][] {
  return inputs.map(
    (_, which) =>
      evaluate(
        () =>
          tf.grads((...t: tf.Tensor[]) => {
            const [x, mean, variance, offset, scale] = t as Inputs;
            return tf.batchNorm(
              x as tf.Tensor4D,
              mean as tf.Tensor1D,
              variance as tf.Tensor1D,
              offset as tf.Tensor1D,
              scale as tf.Tensor1D,
              1e-3,
            );
          })([...inputs], dy)[which]!,
      ).values,
  );
}

describeBuilds('batch normalisation', allBuilds, () => {
  it.each([
    [[4, 5, 5, 3], [3]],
    [[9, 8], [8]],
    [[3, 41, 16], [16]],
    [[130, 5], [5]],
    [[2, 3, 4], [4]],
    [[6, 7], [7]],
    [
      [2, 3, 2, 2],
      [2, 3, 2, 2],
    ],
  ])('agrees with the stock gradient for x [%s] and statistics [%s]', (shape, statistics) => {
    const inputs: Inputs = [
      randomTensor(shape, 1),
      randomTensor(statistics, 2),
      tf.tidy(() => tf.add(tf.square(randomTensor(statistics, 3)), 0.2)),
      randomTensor(statistics, 4),
      randomTensor(statistics, 5),
    ];
    const dy = randomTensor(shape, 6);
    const ours = gradients(inputs, dy);
    removeTrainingKernels();
    const stock = gradients(inputs, dy);
    ours.forEach((values, i) => expectClose(values, stock[i]!, 2e-5));
  });

  // Offset and scale are given: tfjs-core differentiates batch normalisation only with both.
  it('is the derivative through the statistics of the batch', () => {
    const x = randomTensor([16, 4, 4, 3], 10) as tf.Tensor4D;
    const weights = randomTensor([16, 4, 4, 3], 11);
    const direction = randomTensor([16, 4, 4, 3], 12);
    const loss = (t: tf.Tensor): tf.Scalar => {
      const { mean, variance } = tf.moments(t, [0, 1, 2]);
      const y = tf.batchNorm(
        t as tf.Tensor4D,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        tf.zeros([3]),
        tf.ones([3]),
        1e-3,
      );
      return tf.mean(tf.mul(weights, tf.square(y)));
    };
    const slope = evaluate(() => tf.sum(tf.mul(tf.grad(loss)(x), direction))).values[0]!;
    const h = 1e-2;
    const at = (sign: number): number =>
      evaluate(() => loss(tf.add(x, tf.mul(direction, sign * h)))).values[0]!;
    // Rounding of a loss of about 1 over 2h is about 1e−5; the third derivative adds h²/6.
    expect(Math.abs(slope - (at(1) - at(-1)) / (2 * h))).toBeLessThan(1e-4);
  });

  it.each([
    [[4, 5, 5, 3], [3]],
    [[7, 32], [32]],
    [[1, 5], [5]],
    [
      [3, 2, 4],
      [2, 4],
    ],
    [[0, 4], [4]],
  ])(
    'computes its definition for x [%s] and statistics [%s], with and without scale and offset',
    (shape, statistics) => {
      const size = tf.util.sizeFromShape(shape);
      const features = tf.util.sizeFromShape(statistics);
      const [x, mean, offset, scale] = [size, features, features, features].map((n, i) =>
        randomValues(n, 20 + i),
      );
      const variance = randomValues(features, 25).map((value) => value * value);
      for (const [withOffset, withScale] of [
        [true, true],
        [false, true],
        [true, false],
        [false, false],
      ]) {
        const expected = Array.from(x!, (value, i) => {
          const f = i % features;
          const normal = (value - mean![f]!) / Math.sqrt(variance[f]! + 1e-3);
          return normal * (withScale ? scale![f]! : 1) + (withOffset ? offset![f]! : 0);
        });
        const t = (values: Float32Array): tf.Tensor1D =>
          tf.reshape<tf.Rank.R1>(values, statistics as [number]);
        const result = evaluate(() =>
          tf.batchNorm(
            tf.tensor(x!, shape),
            t(mean!),
            t(variance),
            withOffset ? t(offset!) : undefined,
            withScale ? t(scale!) : undefined,
            1e-3,
          ),
        );
        expect(result.shape).toEqual(shape);
        expectClose(result.values, expected, 2e-6);
      }
    },
  );

  it('keeps NaN and infinity to the feature they are in', () => {
    const x = new Float32Array(30).fill(1);
    x[4] = NaN;
    x[8] = Infinity;
    const { values } = evaluate(() =>
      tf.batchNorm(
        tf.tensor2d(x, [10, 3]),
        tf.zeros<tf.Rank.R1>([3]),
        tf.ones<tf.Rank.R1>([3]),
        tf.zeros<tf.Rank.R1>([3]),
        tf.ones<tf.Rank.R1>([3]),
        0,
      ),
    );
    expect(values).toEqual(Array.from(x));
    const dx = evaluate(() =>
      tf.grad((scale: tf.Tensor) =>
        tf.batchNorm(
          tf.tensor2d(x, [10, 3]),
          tf.zeros<tf.Rank.R1>([3]),
          tf.ones<tf.Rank.R1>([3]),
          tf.zeros<tf.Rank.R1>([3]),
          scale as tf.Tensor1D,
          0,
        ),
      )(tf.ones([3])),
    );
    // d/dγ Σ x·γ = Σ x for each feature: ten ones, NaN, ∞.
    expect(dx.values).toEqual([10, NaN, Infinity]);
  });

  it('differentiates twice: d/dx of Σ w·(dL/dγ) against central differences', () => {
    const inputs = {
      x: randomValues(24, 30),
      w: randomValues(4, 31),
      dy: randomValues(24, 32),
      step: randomValues(24, 33),
    };
    const zeros = (): tf.Tensor1D => tf.zeros([4]);
    const inner = (x: tf.Tensor): tf.Scalar => {
      const dScale = tf.grad((scale: tf.Tensor) =>
        tf.mul(
          tf.tensor2d(inputs.dy, [6, 4]),
          tf.batchNorm(
            tf.square(x) as tf.Tensor2D,
            tf.tensor1d(inputs.w),
            tf.ones([4]),
            zeros(),
            scale as tf.Tensor1D,
            0,
          ),
        ),
      )(tf.ones([4]));
      return tf.sum(tf.mul(tf.tensor1d(inputs.w), dScale));
    };
    const x = (): tf.Tensor => tf.tensor2d(inputs.x, [6, 4]);
    const direction = (): tf.Tensor => tf.tensor2d(inputs.step, [6, 4]);
    const slope = evaluate(() => tf.sum(tf.mul(tf.grad(inner)(x()), direction()))).values[0]!;
    // The function is quadratic in x, so central differences are exact but for rounding.
    const h = 0.5;
    const at = (sign: number): number =>
      evaluate(() => inner(tf.add(x(), tf.mul(direction(), sign * h)))).values[0]!;
    expect(slope).toBeCloseTo((at(1) - at(-1)) / (2 * h), 4);
  });
});
