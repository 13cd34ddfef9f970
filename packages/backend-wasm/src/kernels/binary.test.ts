/** Functions of two tensors under broadcasting, and Select, against loops over coordinates, with fast-check's shapes. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds, nativeBuilds } from '../testing/builds.js';
import { evaluate, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

type Op = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** Math.max and Math.min give NaN where either is; comparisons with NaN are false, but for ≠. */
const cases: [string, Op, (a: number, b: number) => number][] = [
  ['maximum', tf.maximum, Math.max],
  ['minimum', tf.minimum, Math.min],
  ['add', tf.add, (a, b) => Math.fround(a + b)],
  ['sub', tf.sub, (a, b) => Math.fround(a - b)],
  ['mul', tf.mul, (a, b) => Math.fround(a * b)],
  ['div', tf.div, (a, b) => Math.fround(a / b)],
  ['equal', tf.equal, (a, b) => +(a === b)],
  ['notEqual', tf.notEqual, (a, b) => +(a !== b)],
  ['greater', tf.greater, (a, b) => +(a > b)],
  ['greaterEqual', tf.greaterEqual, (a, b) => +(a >= b)],
  ['less', tf.less, (a, b) => +(a < b)],
  ['lessEqual', tf.lessEqual, (a, b) => +(a <= b)],
];

/** f of every pair that meets, found by the coordinates of each element of the result. */
function everyPair(
  f: (a: number, b: number) => number,
  a: ArrayLike<number>,
  aShape: number[],
  b: ArrayLike<number>,
  bShape: number[],
  shape: number[],
): number[] {
  const strides = tf.util.computeStrides(shape).concat(1);
  const index = (at: number[], own: number[]): number =>
    own.reduce(
      (sum, extent, axis) => sum * extent + (extent === 1 ? 0 : at[axis + shape.length - own.length]!),
      0,
    );
  return Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => {
    const at = tf.util.indexToLoc(i, shape.length, strides);
    return f(a[index(at, aShape)]!, b[index(at, bShape)]!);
  });
}

/** Values of which many are equal, so that equality is met too. */
const coarse = (shape: number[], seed: number): Float32Array =>
  randomValues(tf.util.sizeFromShape(shape), seed).map((value) => Math.round(3 * value));

const size = (shape: number[]): number => tf.util.sizeFromShape(shape);

describeBuilds('functions of two tensors', allBuilds, () => {
  for (const [name, op, reference] of cases) {
    it(`${name} of whatever shapes broadcast`, () => {
      const axis = fc.record({
        extent: fc.constantFrom(0, 1, 2, 3, 5, 17),
        a: fc.boolean(),
        b: fc.boolean(),
      });
      const pair = fc.record({ axes: fc.array(axis, { maxLength: 4 }), drop: fc.nat(4), left: fc.boolean() });
      fc.assert(
        fc.property(pair, fc.nat(1000), ({ axes, drop, left }, seed) => {
          let aShape = axes.map(({ extent, a }) => (a ? extent : 1));
          let bShape = axes.map(({ extent, b }) => (b ? extent : 1));
          // One of the two may be of a lower rank.
          if (left) aShape = aShape.slice(drop);
          else bShape = bShape.slice(drop);
          const shape = tf.broadcast_util.assertAndGetBroadcastShape(aShape, bShape);
          const [a, b] = [coarse(aShape, seed), coarse(bShape, seed + 1)];
          const result = evaluate(() => op(tf.tensor(a, aShape), tf.tensor(b, bShape)));
          expect(result.shape).toEqual(shape);
          // −0 and 0 are one value here.
          expect(result.values.map((value) => value + 0)).toEqual(
            everyPair(reference, a, aShape, b, bShape, shape).map((value) => value + 0),
          );
        }),
        { numRuns: 60, seed: 7 },
      );
    });
  }
});

describeBuilds('functions of two tensors at the edges', nativeBuilds, () => {
  const special = [NaN, Infinity, -Infinity, 0, -0, 1, 2 ** -149, -(2 ** -149), 3e38].map(Math.fround);
  const pairs = special.flatMap((a) => special.map((b) => [a, b] as const));

  it.each(cases)('%s of NaN, infinities, zeros and subnormals', (_name, op, reference) => {
    const a = pairs.map((pair) => pair[0]);
    const b = pairs.map((pair) => pair[1]);
    expect(evaluate(() => op(tf.tensor1d(a), tf.tensor1d(b))).values).toEqual(
      pairs.map((pair) => reference(...pair)),
    );
    for (const value of special) {
      const row = evaluate(() => op(tf.tensor1d(special), tf.scalar(value))).values;
      expect(row).toEqual(special.map((other) => reference(other, value)));
      const mirrored = evaluate(() => op(tf.scalar(value), tf.tensor1d(special))).values;
      expect(mirrored).toEqual(special.map((other) => reference(value, other)));
    }
  });

  it('leaves int32 to the stock kernel', () => {
    const a = [1, -2, 2 ** 24 + 1];
    const b = [0, 5, 2 ** 24];
    const int = (values: number[]): tf.Tensor => tf.tensor1d(values, 'int32');
    expect(evaluate(() => tf.maximum(int(a), int(b))).values).toEqual([1, 5, 2 ** 24 + 1]);
    expect(evaluate(() => tf.greater(int(a), int(b))).values).toEqual([1, 0, 1]);
  });

  it('refuses shapes that do not broadcast', () => {
    expect(() => tf.tidy(() => tf.maximum(tf.zeros([2, 3]), tf.zeros([2])))).toThrow(/broadcast/);
  });
});

describeBuilds('a short row', nativeBuilds, () => {
  // Rows are joined up to 512 elements: with and without a rest, and with the row on either side.
  it.each([
    [2, 600],
    [3, 343],
    [6, 200],
    [10, 105],
    [16, 64],
    [16, 65],
    [100, 11],
    [127, 9],
    [511, 5],
  ])('of %s elements over %s rows', (columns, rows) => {
    const matrix = coarse([rows, columns], 1);
    const row = coarse([columns], 2);
    for (const [, op, reference] of cases) {
      const t = (): [tf.Tensor, tf.Tensor] => [tf.tensor(matrix, [rows, columns]), tf.tensor(row, [columns])];
      const right = evaluate(() => op(...t())).values;
      const left = evaluate(() => op(...(t().reverse() as [tf.Tensor, tf.Tensor]))).values;
      const expected = (swap: boolean): number[] =>
        Array.from(
          matrix,
          (value, i) =>
            (swap ? reference(row[i % columns]!, value) : reference(value, row[i % columns]!)) + 0,
        );
      expect(right.map((value) => value + 0)).toEqual(expected(false));
      expect(left.map((value) => value + 0)).toEqual(expected(true));
    }
  });
});

describeBuilds('select', allBuilds, () => {
  it.each([[[0]], [[1]], [[3]], [[4]], [[5, 7]], [[3, 41]]])('of shape [%s]', (shape) => {
    const [t, e] = [randomValues(size(shape), 1), randomValues(size(shape), 2)];
    const condition = Array.from(randomValues(size(shape), 3), (value) => value > 0);
    const flags = (): tf.Tensor => tf.tensor(condition, shape, 'bool');
    const expected = condition.map((c, i) => (c ? t[i]! : e[i]!));
    expect(evaluate(() => tf.where(flags(), tf.tensor(t, shape), tf.tensor(e, shape)))).toEqual({
      shape,
      values: expected,
    });
    const whole = (values: Float32Array): tf.Tensor =>
      tf.tensor(
        values.map((v) => Math.round(1000 * v)),
        shape,
        'int32',
      );
    expect(evaluate(() => tf.where(flags(), whole(t), whole(e))).values.map((v) => v + 0)).toEqual(
      condition.map((c, i) => Math.round(1000 * (c ? t[i]! : e[i]!)) + 0),
    );
  });

  it('takes NaN and infinity from the chosen side only', () => {
    const t = tf.tensor1d([NaN, 1, Infinity, 1, 2]);
    const e = tf.tensor1d([0, NaN, 0, -Infinity, -0]);
    const flags = tf.tensor1d([false, true, true, true, false], 'bool');
    expect(evaluate(() => tf.where(flags, t, e)).values).toEqual([0, 1, Infinity, 1, -0]);
  });
});
