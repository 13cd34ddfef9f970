/** Sum and mean, and their gradients, against float64 loops over axes, ranks and sizes on both sides of every threshold. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

/** The sum over `axes`, by the coordinates of every element. */
function sumOver(values: ArrayLike<number>, shape: number[], axes: number[]): Float64Array {
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const sums = new Float64Array(tf.util.sizeFromShape(kept));
  const strides = tf.util.computeStrides(shape).concat(1);
  for (let i = 0; i < values.length; i++) {
    const at = tf.util.indexToLoc(i, shape.length, strides);
    let index = 0;
    kept.forEach((extent, axis) => (index = index * extent + (extent === 1 ? 0 : at[axis]!)));
    sums[index]! += values[i]!;
  }
  return sums;
}

const cases: [number[], number[]][] = [
  [[7], [0]],
  [[3, 4], [0]],
  [[3, 4], [1]],
  [[200, 30], [0]],
  [[333, 7], [0]],
  [[71, 129], [0]],
  [
    [30, 200],
    [0, 1],
  ],
  [[5000], [0]],
  [[2, 100, 40], [1]],
  [
    [100, 2, 40],
    [0, 1],
  ],
  [
    [4, 9, 9, 5],
    [0, 1, 2],
  ],
  [
    [4, 9, 9, 5],
    [1, 2],
  ],
  [
    [4, 9, 9, 5],
    [0, 2],
  ],
  [[4, 9, 9, 5], [3]],
  [[1, 6], [0]],
];

describe.each([
  ['sum', tf.sum, false],
  ['mean', tf.mean, true],
] as const)('%s', (_name, reduce, divide) => {
  for (const [shape, axes] of cases) {
    it(`over axes ${axes.join()} of [${shape.join()}]`, () => {
      const x = randomValues(tf.util.sizeFromShape(shape), 1);
      const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
      const expected = sumOver(x, shape, axes).map((value) => (divide ? value / count : value));
      for (const keepDims of [false, true]) {
        const result = evaluate(() => reduce(tf.tensor(x, shape), axes, keepDims));
        expect(result.shape).toEqual(
          shape.flatMap((extent, axis) => (!axes.includes(axis) ? [extent] : keepDims ? [1] : [])),
        );
        expectClose(result.values, expected);
      }
      const dy = randomValues(expected.length, 2);
      const gradient = evaluate(() =>
        tf.grad((t: tf.Tensor) => reduce(t, axes, true))(
          tf.tensor(x, shape),
          tf.tensor(
            dy,
            shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
          ),
        ),
      );
      // ⟨gradient, z⟩ = ⟨dy, reduce(z)⟩ for any z; here for a second random one.
      const z = randomValues(x.length, 3);
      const forward = sumOver(z, shape, axes).reduce((sum, value, i) => sum + value * dy[i]!, 0);
      const backward = gradient.values.reduce((sum, value, i) => sum + value * z[i]!, 0);
      expect(backward).toBeCloseTo(divide ? forward / count : forward, 3);
    });
  }

  it('accepts negative axes and sums everything by default', () => {
    const x = randomValues(24, 4);
    expect(evaluate(() => reduce(tf.tensor(x, [2, 3, 4]), -2)).shape).toEqual([2, 4]);
    const total = x.reduce((sum, value) => sum + value, 0);
    expectClose(evaluate(() => reduce(tf.tensor(x, [2, 3, 4]))).values, [divide ? total / 24 : total]);
  });

  it('lets NaN and infinity through', () => {
    const x = new Float32Array(3000).fill(1);
    x[5] = NaN;
    x[7] = Infinity;
    // Columns 5 and 7 of 300 rows of 10.
    const { values } = evaluate(() => reduce(tf.tensor2d(x, [300, 10]), 0));
    expect(values[5]).toBeNaN();
    expect(values[7]).toBe(Infinity);
    expect(values[6]).toBe(divide ? 1 : 300);
  });
});

it('sums whole numbers exactly', () => {
  for (const rows of [1, 63, 64, 65, 100, 1000]) {
    expect(evaluate(() => tf.sum(tf.fill([rows, 50], 3), 0)).values).toEqual(
      new Array<number>(50).fill(3 * rows),
    );
    expect(evaluate(() => tf.sum(tf.fill([rows, 50], 3))).values).toEqual([150 * rows]);
  }
});

it('sums int32 and takes the mean of bool', () => {
  expect(evaluate(() => tf.sum(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), 0)).values).toEqual([4, 6]);
  expect(evaluate(() => tf.mean(tf.tensor1d([true, false, true, true], 'bool'))).values).toEqual([0.75]);
});

it('of nothing, the sum is 0 and the mean NaN, in whatever memory the result falls', () => {
  tf.fill([10_000], 7).dispose();
  for (const dtype of ['float32', 'int32'] as const) {
    expect(evaluate(() => tf.sum(tf.zeros([0, 3], dtype), 0)).values).toEqual([0, 0, 0]);
    expect(evaluate(() => tf.sum(tf.zeros([2, 0], dtype), 1, true))).toEqual({
      shape: [2, 1],
      values: [0, 0],
    });
    expect(evaluate(() => tf.sum(tf.zeros([0, 3], dtype))).values).toEqual([0]);
    expect(evaluate(() => tf.mean(tf.zeros([0, 3], dtype), 0)).values).toEqual([NaN, NaN, NaN]);
  }
  expect(evaluate(() => tf.sum(tf.zeros([0, 3]), 1))).toEqual({ shape: [0], values: [] });
});

it('gives the same bits every time', () => {
  const x = randomTensor([777, 33], 9);
  expect(tf.sum(x, 0).dataSync()).toEqual(tf.sum(x, 0).dataSync());
  expect(tf.mean(x).dataSync()).toEqual(tf.mean(x).dataSync());
});

it('differentiates the sum of squares twice: the second derivative of Σx² is 2', () => {
  const second = evaluate(() =>
    tf.grad((x: tf.Tensor) => tf.sum(tf.grad((y: tf.Tensor) => tf.sum(tf.square(y)))(x)))(
      tf.tensor1d([1, 2, 3]),
    ),
  );
  expect(second.values).toEqual([2, 2, 2]);
});
