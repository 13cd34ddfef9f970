/** The gradient of batch normalisation against tfjs-core's own and against central differences through batch statistics. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { installTrainingKernels, removeTrainingKernels } from '../install.js';
import { evaluate, expectClose, randomTensor, startWasm } from '../testing/setup.js';

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

it.each([
  [[4, 5, 5, 3], [3]],
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
