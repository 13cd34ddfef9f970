/** First and second derivatives of relu, sigmoid, tanh and softmax against closed forms and central differences in float64. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { RELU_GRADIENT, SIGMOID_GRADIENT, SOFTMAX_GRADIENT, TANH_GRADIENT } from '../kernels/own-kernels.js';
import { allBuilds, describeBuilds, nativeBuilds } from '../testing/builds.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

describeBuilds('gradients of activations', allBuilds, () => {
  it.each([
    ['relu', tf.relu, (x: number) => +(x > 0)],
    ['sigmoid', tf.sigmoid, (x: number) => logistic(x) * (1 - logistic(x))],
    ['tanh', tf.tanh, (x: number) => 1 - Math.tanh(x) ** 2],
  ] as const)('%s', (_name, f, slope) => {
    for (const length of [0, 1, 4, 7, 1030]) {
      const x = randomValues(length, 1).map((value) => 4 * value);
      const dy = randomValues(length, 2);
      const gradient = (): number[] =>
        evaluate(() => tf.grad((t: tf.Tensor) => f(t))(tf.tensor1d(x), tf.tensor1d(dy))).values;
      expectClose(
        gradient(),
        Array.from(x, (value, i) => dy[i]! * slope(value)),
        1e-6,
      );
      expect(gradient()).toEqual(gradient());
    }
  });

  it('relu has no slope at zero, and carries NaN from either side', () => {
    const x = [0, -0, NaN, 1, -1, Infinity, -Infinity];
    const dy = [1, 1, 1, NaN, 2, 3, 4];
    const { values } = evaluate(() => tf.grad((t: tf.Tensor) => tf.relu(t))(tf.tensor1d(x), tf.tensor1d(dy)));
    expect(values).toEqual([0, 0, NaN, NaN, 0, 3, 0]);
  });
});

/** u and the derivatives of Σ u·kernel(a, b), by central differences of the definition, at each element of `at`. */
function differences(f: (at: number[]) => number, at: number[]): number[] {
  const h = 1e-4;
  return at.map((_, i) => {
    const moved = (sign: number): number => f(at.map((value, j) => (j === i ? value + sign * h : value)));
    return (moved(1) - moved(-1)) / (2 * h);
  });
}

describeBuilds('derivatives of the gradient kernels', nativeBuilds, () => {
  const [dy, y, u] = [1, 2, 3].map((seed) =>
    Array.from(randomValues(6, seed), (value) => 0.5 + value / 3),
  ) as [number[], number[], number[]];
  const dot = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

  it.each([
    [RELU_GRADIENT, 'a', 'b', (a: number[], b: number[]) => a.map((value, i) => (b[i]! > 0 ? value : 0))],
    [
      SIGMOID_GRADIENT,
      'a',
      'b',
      (a: number[], b: number[]) => a.map((value, i) => value * b[i]! * (1 - b[i]!)),
    ],
    [TANH_GRADIENT, 'a', 'b', (a: number[], b: number[]) => a.map((value, i) => value * (1 - b[i]! ** 2))],
    [
      SOFTMAX_GRADIENT,
      'dy',
      'y',
      (a: number[], b: number[]) => a.map((value, i) => (value - dot(a, b)) * b[i]!),
    ],
  ] as const)('%s', (kernel, first, second, definition) => {
    const run = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      tf.engine().runKernel(kernel, { [first]: a, [second]: b });
    expectClose(evaluate(() => run(tf.tensor1d(dy), tf.tensor1d(y))).values, definition(dy, y), 1e-6);
    const gradient = (which: number): number[] =>
      evaluate(() => tf.grads(run)([tf.tensor1d(dy), tf.tensor1d(y)], tf.tensor1d(u))[which]!).values;
    expectClose(
      gradient(0),
      differences((at) => dot(u, definition(at, y)), dy),
      1e-5,
    );
    expectClose(
      gradient(1),
      differences((at) => dot(u, definition(dy, at)), y),
      1e-5,
    );
  });
});
