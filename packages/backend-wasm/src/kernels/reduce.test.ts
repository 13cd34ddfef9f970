/** Sum, mean, max and min, and gradients of the first two, against float64 loops over axes, ranks and sizes on both sides of every threshold. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { allBuilds, describeBuilds, nativeBuilds } from '../testing/builds.js';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

/** The sum over `axes`. */
function sumOver(values: ArrayLike<number>, shape: number[], axes: number[]): Float64Array {
  return foldOver(values, shape, axes, (sum, value) => sum + value, 0);
}

/** `combine` over `axes`, by the coordinates of every element. */
function foldOver(
  values: ArrayLike<number>,
  shape: number[],
  axes: number[],
  combine: (result: number, value: number) => number,
  start: number,
): Float64Array {
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const sums = new Float64Array(tf.util.sizeFromShape(kept)).fill(start);
  const strides = tf.util.computeStrides(shape).concat(1);
  for (let i = 0; i < values.length; i++) {
    const at = tf.util.indexToLoc(i, shape.length, strides);
    let index = 0;
    kept.forEach((extent, axis) => (index = index * extent + (extent === 1 ? 0 : at[axis]!)));
    sums[index] = combine(sums[index]!, values[i]!);
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

describeBuilds('reductions', allBuilds, () => {
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
});

describeBuilds('max and min', nativeBuilds, () => {
  const extremes = [
    ['max', tf.max, Math.max, -Infinity],
    ['min', tf.min, Math.min, Infinity],
  ] as const;

  for (const [shape, axes] of cases) {
    it(`over axes ${axes.join()} of [${shape.join()}]`, () => {
      const x = randomValues(tf.util.sizeFromShape(shape), 1);
      for (const [, reduce, better, start] of extremes) {
        const expected = foldOver(x, shape, axes, better, start);
        for (const keepDims of [false, true]) {
          const result = evaluate(() => reduce(tf.tensor(x, shape), axes, keepDims));
          expect(result.shape).toEqual(
            shape.flatMap((extent, axis) => (!axes.includes(axis) ? [extent] : keepDims ? [1] : [])),
          );
          expect(result.values).toEqual(Array.from(expected));
        }
      }
    });
  }

  it.each(extremes)(
    '%s: NaN wins wherever it stands, infinities count, and over nothing it is the start',
    (_name, reduce, better, start) => {
      for (const length of [1, 3, 4, 17, 70]) {
        for (let at = 0; at < length; at++) {
          const x = new Float32Array(length).fill(1);
          x[at] = NaN;
          expect(evaluate(() => reduce(tf.tensor1d(x))).values).toEqual([NaN]);
          expect(evaluate(() => reduce(tf.tensor2d(x, [length, 1]), 0)).values).toEqual([NaN]);
          x[at] = -start;
          expect(evaluate(() => reduce(tf.tensor1d(x))).values).toEqual([better(-start, 1)]);
        }
      }
      expect(evaluate(() => reduce(tf.zeros([0, 3]), 0)).values).toEqual([start, start, start]);
      expect(evaluate(() => reduce(tf.zeros([3, 0]), 0)).values).toEqual([]);
    },
  );

  it('leaves int32 to the stock kernel', () => {
    expect(evaluate(() => tf.max(tf.tensor2d([1, 5, -3, 4], [2, 2], 'int32'), 0)).values).toEqual([1, 5]);
    expect(evaluate(() => tf.min(tf.tensor2d([1, 5, -3, 4], [2, 2], 'int32'), 1)).values).toEqual([1, -3]);
  });
});

describeBuilds('long sums', nativeBuilds, () => {
  it('err no more than short ones: a million times 0.1', () => {
    // One rounding of the result, and at most 64 roundings of partial sums below 2⁻²⁴ of themselves.
    const x = new Float32Array(1_000_000).fill(0.1);
    const expected = 1_000_000 * Math.fround(0.1);
    for (const shape of [[1_000_000], [1000, 1000], [250_000, 4]]) {
      const columns = shape.length === 1 ? 1 : shape[1]!;
      const sums = evaluate(() => tf.sum(tf.tensor(x, shape), 0)).values;
      for (const sum of sums) expect(Math.abs((sum * columns) / expected - 1)).toBeLessThan(65 * 2 ** -24);
    }
  });
});
