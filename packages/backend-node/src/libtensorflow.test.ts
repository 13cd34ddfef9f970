/** The real engine, where there is one: values by hand, gradients by finite differences. Skipped with the adapter's reason elsewhere. */
import { createRandom } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { nodeBackend } from './index.js';

const adapter = nodeBackend();
const { available, reason, remedy } = await adapter.probe();

beforeAll(async () => {
  if (available) await adapter.activate();
});
beforeEach(({ skip }) => {
  skip(!available, `${reason ?? ''} ${remedy ?? ''}`);
});

function normal(shape: number[], seed: number): tf.Tensor {
  const random = createRandom(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** Largest |analytic − central difference| over all entries of x, h = 1/64 (a power of two, so that x ± h is nearly exact). */
function gradientError(f: (x: tf.Tensor) => tf.Scalar, x: tf.Tensor): number {
  const h = 1 / 64;
  const analytic = tf.tidy(() => tf.grad(f)(x).dataSync());
  const values = x.dataSync();
  let worst = 0;
  for (let i = 0; i < values.length; i++) {
    const at = (delta: number): number =>
      tf.tidy(() => {
        const moved = Float32Array.from(values);
        moved[i] = moved[i]! + delta;
        return f(tf.tensor(moved, x.shape)).dataSync()[0]!;
      });
    worst = Math.max(worst, Math.abs(analytic[i]! - (at(h) - at(-h)) / (2 * h)));
  }
  return worst;
}

test('matMul with transposes', () => {
  // A = [[1 2] [3 4]], B = [[5 6] [7 8]]: Aᵀ B = [[26 30] [38 44]], A Bᵀ = [[17 23] [39 53]].
  const [left, right] = tf.tidy(() => {
    const a = tf.tensor2d([[1, 2], [3, 4]]); // prettier-ignore
    const b = tf.tensor2d([[5, 6], [7, 8]]); // prettier-ignore
    return [tf.matMul(a, b, true, false).dataSync(), tf.matMul(a, b, false, true).dataSync()];
  });
  expect(Array.from(left)).toEqual([26, 30, 38, 44]);
  expect(Array.from(right)).toEqual([17, 23, 39, 53]);
  expect(tf.getBackend()).toBe('tensorflow');
});

test('gradient of a convolution in its filter', () => {
  const x = normal([2, 5, 5, 2], 1) as tf.Tensor4D;
  const filter = normal([3, 3, 2, 2], 2) as tf.Tensor4D;
  // Quadratic in the filter, so the central difference is exact up to rounding.
  const error = gradientError((w) => tf.mean(tf.square(tf.conv2d(x, w as tf.Tensor4D, 2, 'same'))), filter);
  tf.dispose([x, filter]);
  expect(error).toBeLessThan(1e-3);
});

test('gradient of max pooling where every window is negative', () => {
  // One window [−1 −2; −3 −4] per channel: the gradient goes to −1 alone.
  const gradient = tf.tidy(() => {
    const x = tf.tensor4d([-1, -2, -3, -4], [1, 2, 2, 1]);
    return tf
      .grad((t) => tf.sum(tf.maxPool(t as tf.Tensor4D, 2, 2, 'valid')))(x)
      .dataSync();
  });
  expect(Array.from(gradient)).toEqual([1, 0, 0, 0]);
});

test('the same program gives the same bits, and leaves no tensor behind', () => {
  const before = tf.memory().numTensors;
  const run = (): number[] =>
    tf.tidy(() => {
      const w = normal([20, 10], 3);
      const x = normal([30, 20], 4);
      return Array.from(
        tf
          .grad((v) => tf.mean(tf.logSumExp(tf.matMul(x, v), 1)))(w)
          .dataSync(),
      );
    });
  expect(run()).toEqual(run());
  expect(tf.memory().numTensors).toBe(before);
});
