/** Products against a float64 loop over shapes, transposes, batches and broadcasts; special values; both ways of computing agree in bits. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { matrixProduct } from '../testing/reference.js';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

const flags: [boolean, boolean][] = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
];

function check(m: number, k: number, n: number, transposeA: boolean, transposeB: boolean): void {
  const a = randomValues(m * k, 1);
  const b = randomValues(k * n, 2);
  const { shape, values } = evaluate(() =>
    tf.matMul(
      tf.tensor(a, transposeA ? [k, m] : [m, k]),
      tf.tensor(b, transposeB ? [n, k] : [k, n]),
      transposeA,
      transposeB,
    ),
  );
  expect(shape).toEqual([m, n]);
  // A sum of k float32 products of values below 1 is off by at most k·2⁻²⁴ each way.
  expectClose(
    values,
    matrixProduct(a, b, m, k, n, transposeA, transposeB),
    1e-6 * Math.max(10, Math.sqrt(k)),
  );
}

describeBuilds('one product', allBuilds, () => {
  for (const [transposeA, transposeB] of flags) {
    it(`agrees with the definition for transposeA=${transposeA}, transposeB=${transposeB}`, () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 40 }),
          fc.integer({ min: 1, max: 40 }),
          fc.integer({ min: 1, max: 40 }),
          (m, k, n) => {
            check(m, k, n, transposeA, transposeB);
          },
        ),
        { seed: 7, numRuns: 30 },
      );
      // Long in one direction each, and rows whose transposes collide in the cache (multiples of 128).
      check(1, 300, 7, transposeA, transposeB);
      check(300, 1, 7, transposeA, transposeB);
      check(5, 3, 400, transposeA, transposeB);
      check(256, 130, 128, transposeA, transposeB);
      check(30, 512, 256, transposeA, transposeB);
    });
  }

  it('gives the same bits directly, as the transposed product, and with a right operand seen before', () => {
    const a = randomTensor([9, 500], 3);
    const b = randomTensor([500, 700], 4);
    const first = tf.matMul(a, b).dataSync();
    const later = [1, 2, 3].map(() => tf.matMul(a, b).dataSync());
    for (const again of later) expect(again).toEqual(first);
    const bt = tf.transpose(b);
    expect(tf.matMul(a, bt, false, true).dataSync()).toEqual(first);
  });

  it('takes one memory as the right operand in several shapes', () => {
    // The module keeps a packed right operand by its tensor's number, which a reshape shares.
    const right = randomValues(32 * 48, 8);
    const b = tf.tensor2d(right, [32, 48]);
    for (let round = 0; round < 2; round++) {
      for (const [k, n] of [
        [32, 48],
        [48, 32],
        [16, 96],
      ] as const) {
        const left = randomValues(40 * k, 9);
        const { values } = evaluate(() => tf.matMul(tf.tensor2d(left, [40, k]), tf.reshape(b, [k, n])));
        expectClose(values, matrixProduct(left, right, 40, k, n, false, false));
        // Aᵀ·B of a wide A and a narrow B is computed as (Bᵀ·A)ᵀ, with A on the right.
        const { values: swapped } = evaluate(() =>
          tf.matMul(tf.reshape(b, [k, n]), tf.tensor2d(left.subarray(0, k), [k, 1]), true),
        );
        expectClose(swapped, matrixProduct(right, left, n, k, 1, true, false));
      }
    }
  });

  it('lets NaN and infinity through like the definition: 0·∞ is NaN', () => {
    for (const [transposeA, transposeB] of flags) {
      const a = new Float32Array([0, 1, 1, 2, NaN, 1]);
      const b = new Float32Array([Infinity, 1, 1, 1, -Infinity, 2]);
      const { values } = evaluate(() =>
        tf.matMul(
          tf.tensor(a, transposeA ? [2, 3] : [3, 2]),
          tf.tensor(b, transposeB ? [3, 2] : [2, 3]),
          transposeA,
          transposeB,
        ),
      );
      expectClose(values, matrixProduct(a, b, 3, 2, 3, transposeA, transposeB));
    }
  });

  it('handles empty shapes: a sum over nothing is zero', () => {
    expect(evaluate(() => tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])))).toEqual({
      shape: [2, 3],
      values: [0, 0, 0, 0, 0, 0],
    });
    expect(evaluate(() => tf.matMul(tf.zeros([0, 4]), tf.zeros([4, 3])))).toEqual({
      shape: [0, 3],
      values: [],
    });
  });
});

describeBuilds('batches', allBuilds, () => {
  it('agrees with the definition over batch and broadcast forms', () => {
    const forms: [number[], number[]][] = [
      [[3], [3]],
      [[3], [1]],
      [[1], [3]],
      [
        [2, 3],
        [2, 3],
      ],
      [[2, 3], [3]],
      [
        [2, 1],
        [1, 3],
      ],
      [[3], [2, 3]],
      [[2, 3], []],
    ];
    for (const [aBatch, bBatch] of forms) {
      for (const [transposeA, transposeB] of flags) {
        for (const [m, k, n] of [
          [2, 3, 4],
          [17, 20, 31],
        ] as const) {
          const aShape = [...aBatch, ...(transposeA ? [k, m] : [m, k])];
          const bShape = [...bBatch, ...(transposeB ? [n, k] : [k, n])];
          const batch = tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
          const a = randomValues(tf.util.sizeFromShape(aShape), 5);
          const b = randomValues(tf.util.sizeFromShape(bShape), 6);
          const { shape, values } = evaluate(() =>
            tf.matMul(tf.tensor(a, aShape), tf.tensor(b, bShape), transposeA, transposeB),
          );
          expect(shape).toEqual([...batch, m, n]);
          const count = tf.util.sizeFromShape(batch);
          for (let i = 0; i < count; i++) {
            const at = (own: number[]): number => indexOf(i, batch, own);
            const left = a.subarray(at(aBatch) * m * k, (at(aBatch) + 1) * m * k);
            const right = b.subarray(at(bBatch) * k * n, (at(bBatch) + 1) * k * n);
            expectClose(
              values.slice(i * m * n, (i + 1) * m * n),
              matrixProduct(left, right, m, k, n, transposeA, transposeB),
            );
          }
        }
      }
    }
  });

  it('refuses inner dimensions that differ', () => {
    expect(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([4, 5]))).toThrow(/inner/i);
  });
});

/** The element of a broadcast operand that belongs to element `i` of the batch, by coordinates. */
function indexOf(i: number, batch: number[], own: number[]): number {
  const coordinates = tf.util.indexToLoc(i, batch.length, tf.util.computeStrides(batch).concat(1));
  let index = 0;
  for (let axis = 0; axis < own.length; axis++) {
    const coordinate = coordinates[batch.length - own.length + axis]!;
    index = index * own[axis]! + (own[axis] === 1 ? 0 : coordinate);
  }
  return index;
}
