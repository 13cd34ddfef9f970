import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { leaked, values } from '../test/numeric.js';
import { differenceProduct, innerProducts, select, zeroIfFinite } from './tensor-map.js';

const maps = () => ({
  a: { x: tf.tensor1d([1, 2]), y: tf.scalar(3) },
  b: { y: tf.scalar(7), x: tf.tensor1d([5, 4]) },
  c: { x: tf.tensor1d([1, 6]), y: tf.scalar(8) },
});

describe('products', () => {
  it('are summed in the group of each name', () => {
    tf.tidy(() => {
      const { a, b } = maps();
      // 1·5 + 2·4 = 13 and 3·7 = 21
      expect(values(innerProducts(a, b, 2, (name) => (name === 'x' ? 1 : 0)))).toEqual([21, 13]);
    });
  });

  it('⟨a, b − c⟩ is 1·4 + 2·(−2) + 3·(−1) = −3', () => {
    tf.tidy(() => {
      const { a, b, c } = maps();
      expect(values(differenceProduct(a, b, c))).toEqual([-3]);
    });
  });
});

describe('zeroIfFinite', () => {
  it('is 0 for finite values, the largest included, and NaN for others', () => {
    tf.tidy(() => {
      const of = (value: number): number =>
        values(zeroIfFinite({ x: tf.tensor1d([1, value]), y: tf.scalar(-3.4e38) }))[0]!;
      expect([3.4e38, NaN, Infinity, -Infinity].map(of)).toEqual([0, NaN, NaN, NaN]);
    });
  });
});

describe('select', () => {
  it('gives every tensor of one of the maps by the names of the first', () => {
    tf.tidy(() => {
      const { a, b } = maps();
      for (const [holds, chosen] of [
        [true, a],
        [false, b],
      ] as const) {
        const { x, y } = select(tf.scalar(holds, 'bool'), a, b);
        expect([values(x!), values(y!)]).toEqual([values(chosen.x), values(chosen.y)]);
      }
    });
  });
});

it('leaves nothing behind', async () => {
  expect(
    await leaked(() =>
      tf.tidy(() => {
        const { a, b, c } = maps();
        differenceProduct(a, b, c);
        zeroIfFinite(a);
        select(tf.scalar(true, 'bool'), a, b);
      }),
    ),
  ).toBe(0);
});
