/** TensorFlow.js's products with a long inner side: the stock kernel's are wrong for a transposed second factor; as ours calls it, they are right and the same bits every time. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from '../index.js';
import { chooseProductPrograms } from '../product-choice.js';
import { randomValues, take, titleOf, whyNoWebgpu } from '../testing/setup.js';

const missing = await whyNoWebgpu();

/** rows × inner times (columns × inner)ᵀ in double precision. */
function expected(a: Float32Array, b: Float32Array, [rows, inner, columns]: Sides): Float64Array {
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      for (let k = 0; k < inner; k++) product[i * columns + j]! += a[i * inner + k]! * b[j * inner + k]!;
  return product;
}

type Sides = readonly [rows: number, inner: number, columns: number];

/** Largest error of A · Bᵀ relative to the largest element. */
async function errorOf(
  sides: Sides,
  multiply: (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor,
): Promise<number> {
  const [rows, inner, columns] = sides;
  const [a, b] = [randomValues(rows * inner, 1), randomValues(columns * inner, 2)];
  const reference = expected(a, b, sides);
  const values = await take(
    tf.tidy(() => multiply(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [columns, inner]))),
  );
  const scale = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - reference[i]!)), 0) / scale;
}

const transposed = (a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor => tf.matMul(a, b, false, true);

describe.skipIf(missing !== undefined)(`products with a long inner side${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
    chooseProductPrograms({ few: 'tfjs', many: 'tfjs' });
  });
  afterEach(() => installTrainingKernels());
  afterAll(() => chooseProductPrograms(undefined));

  test('the stock kernel is wrong where ours is not', async () => {
    removeTrainingKernels();
    expect(await errorOf([16, 2000, 16], transposed)).toBeGreaterThan(0.1);
    installTrainingKernels();
    expect(await errorOf([16, 2000, 16], transposed)).toBeLessThan(1e-5);
  });

  test.each([true, false])('are right in every form when deterministic is %s', async (deterministic) => {
    installTrainingKernels({ deterministic });
    // Divisible by 4 or not, with few tiles and with many.
    const sides: Sides[] = [
      [16, 2000, 16],
      [16, 2004, 12],
      [13, 2001, 11],
      [33, 2000, 36],
    ];
    for (const side of sides) {
      expect(await errorOf(side, transposed)).toBeLessThan(1e-5);
      expect(await errorOf(side, (a, b) => tf.matMul(tf.transpose(a), b, true, true))).toBeLessThan(1e-5);
    }
    const fused = (a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor => {
      const bias = tf.fill([16], 3);
      return tf.sub(tf.fused.matMul({ a, b, transposeB: true, bias }), 3);
    };
    expect(await errorOf([16, 2000, 16], fused)).toBeLessThan(1e-5);
  });

  test('are the same bits every time, and leave no tensor', async () => {
    const before = tf.memory().numTensors;
    const once = (): Promise<Float32Array> =>
      take(
        tf.tidy(() => {
          const a = tf.tensor2d(randomValues(16 * 4096, 3), [16, 4096]);
          return tf.matMul(a, tf.tensor2d(randomValues(16 * 4096, 4), [16, 4096]), false, true);
        }),
      );
    const first = await once();
    for (let i = 0; i < 5; i++) expect(await once()).toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('leave the flag for the kind of program as it was', async () => {
    await errorOf([16, 2000, 16], transposed);
    expect(tf.env().getNumber('WEBGPU_MATMUL_PROGRAM_TYPE')).toBe(-1);
  });
});
