/** Biases and activations in fused kernels: bit for bit what the separate kernels give, also on several threads and for special values. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epilogueOf } from './activation.js';
import { describeBuilds, nativeBuilds } from './testing/builds.js';
import { evaluate, randomTensor, startWasm } from './testing/setup.js';

beforeAll(startWasm);

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;
type Name = (typeof activations)[number];

/** The activation by the kernel of its own, as `biasAndActivation` would call it. */
function separate(sum: tf.Tensor, activation: Name, slopes: tf.Tensor): tf.Tensor {
  switch (activation) {
    case 'linear':
      return sum;
    case 'relu':
      return tf.relu(sum);
    case 'relu6':
      return tf.relu6(sum);
    case 'elu':
      return tf.elu(sum);
    case 'sigmoid':
      return tf.sigmoid(sum);
    case 'leakyrelu':
      return tf.leakyRelu(sum, 0.3);
    case 'prelu':
      return tf.prelu(sum, slopes);
  }
}

/** The first difference, as a whole list of them would take long to print. */
function expectSameBits(actual: readonly number[], expected: readonly number[]): void {
  const [a, e] = [actual, expected].map((values) => new Uint32Array(Float32Array.from(values).buffer));
  const at = a!.findIndex((word, i) => word !== e![i]);
  expect(a!.length).toBe(e!.length);
  expect({ at, value: actual[at] }).toEqual({ at: -1, value: undefined });
}

/** Compares the fused kernel with the separate ones; `product` and `fused` compute from the same operands. */
function check(
  columns: number,
  product: () => tf.Tensor,
  fused: (options: {
    bias?: tf.Tensor1D;
    activation: Name;
    leakyreluAlpha: number;
    preluActivationWeights?: tf.Tensor;
  }) => tf.Tensor,
): void {
  const bias = randomTensor([columns], 8) as tf.Tensor1D;
  const slopes = randomTensor([columns], 9);
  for (const activation of activations) {
    for (const withBias of [true, false]) {
      const options = {
        activation,
        leakyreluAlpha: 0.3,
        ...(withBias ? { bias } : {}),
        ...(activation === 'prelu' ? { preluActivationWeights: slopes } : {}),
      };
      const expected = evaluate(() => {
        const y = product();
        return separate(withBias ? tf.add(y, bias) : y, activation, slopes);
      });
      const actual = evaluate(() => fused(options));
      expect(actual.shape).toEqual(expected.shape);
      expectSameBits(actual.values, expected.values);
    }
  }
  tf.dispose([bias, slopes]);
}

/** m×k times k×n, of either transposition. */
function checkProduct(m: number, k: number, n: number, transposeA = false, transposeB = false): void {
  const a = randomTensor(transposeA ? [k, m] : [m, k], 1) as tf.Tensor2D;
  const b = randomTensor(transposeB ? [n, k] : [k, n], 2) as tf.Tensor2D;
  check(
    n,
    () => tf.matMul(a, b, transposeA, transposeB),
    (options) => tf.fused.matMul({ a, b, transposeA, transposeB, ...options }),
  );
  tf.dispose([a, b]);
}

function checkConvolution(
  shape: [number, number, number, number],
  window: number,
  outChannels: number,
): void {
  const x = randomTensor(shape, 3) as tf.Tensor4D;
  const filter = randomTensor([window, window, shape[3], outChannels], 4) as tf.Tensor4D;
  check(
    outChannels,
    () => tf.conv2d(x, filter, 1, 'same'),
    ({ preluActivationWeights: slopes, ...options }) =>
      tf.fused.conv2d({
        x,
        filter,
        strides: 1,
        pad: 'same',
        ...options,
        ...(slopes ? { preluActivationWeights: tf.reshape(slopes, [1, 1, outChannels]) } : {}),
      }),
  );
  tf.dispose([x, filter]);
}

describeBuilds('fused kernels', nativeBuilds, () => {
  describe('products', () => {
    it.each([
      ['one row', 1, 30, 70],
      ['few rows and a transposed B', 5, 300, 41],
      ['one column', 40, 20, 1],
      ['several blocks of each dimension', 150, 300, 1050],
      ['a wide block for each thread', 100, 200, 400],
      ['no inner dimension', 6, 0, 10],
    ])('%s', (_, m, k, n) => {
      for (const transposeB of [false, true]) checkProduct(m, k, n, false, transposeB);
      checkProduct(m, k, n, true, false);
    });

    it('in a batch', () => {
      const a = randomTensor([3, 7, 20], 5) as tf.Tensor3D;
      const b = randomTensor([3, 20, 18], 6) as tf.Tensor3D;
      check(
        18,
        () => tf.matMul(a, b),
        (options) => tf.fused.matMul({ a, b, ...options }),
      );
      tf.dispose([a, b]);
    });
  });

  describe('convolutions', () => {
    it('direct', () => {
      checkConvolution([3, 9, 11, 5], 5, 6);
      checkConvolution([2, 8, 7, 3], 3, 35);
    });
    it('pointwise', () => checkConvolution([2, 9, 9, 12], 1, 20));
    it('by minimal filtering', () => {
      checkConvolution([3, 12, 13, 16], 3, 20);
      checkConvolution([70, 3, 3, 16], 3, 16);
    });
  });

  it('keep NaN, infinities and the sign of zero as the separate kernels do', () => {
    const special = [NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 1e38, -1e38, -100, 100, 7];
    const a = tf.tensor2d([1], [1, 1]);
    const b = tf.tensor2d(special, [1, special.length]);
    check(
      special.length,
      () => tf.matMul(a, b),
      (options) => tf.fused.matMul({ a, b, ...options }),
    );
    const x = tf.tensor4d(
      Array.from({ length: 8 * 12 * 12 * 16 }, (_, i) => special[i % 53] ?? i % 7),
      [8, 12, 12, 16],
    );
    const filter = tf.fill<tf.Rank.R4>([3, 3, 16, 16], 0.5);
    check(
      16,
      () => tf.conv2d(x, filter, 1, 'same'),
      ({ preluActivationWeights: slopes, ...options }) =>
        tf.fused.conv2d({
          x,
          filter,
          strides: 1,
          pad: 'same',
          ...options,
          ...(slopes ? { preluActivationWeights: tf.reshape(slopes, [1, 1, 16]) } : {}),
        }),
    );
    tf.dispose([a, b, x, filter]);
  });

  it('apply a bias or slopes that belong to no column after the product', () => {
    const a = randomTensor([4, 6], 1) as tf.Tensor2D;
    const b = randomTensor([6, 5], 2) as tf.Tensor2D;
    const bias = tf.scalar(0.25);
    const slopes = randomTensor([4, 5], 3);
    const fused = evaluate(() =>
      tf.fused.matMul({ a, b, bias, activation: 'prelu', preluActivationWeights: slopes }),
    );
    const plain = evaluate(() => tf.prelu(tf.add(tf.matMul(a, b), bias), slopes));
    expectSameBits(fused.values, plain.values);
    tf.dispose([a, b, bias, slopes]);
  });
});

describe('epilogueOf', () => {
  const backend = (): BackendWasm => tf.backend() as unknown as BackendWasm;
  let four: tf.Tensor;
  beforeAll(() => {
    four = tf.zeros([1, 4]);
  });
  afterAll(() => four.dispose());

  it('is nothing without a bias or an activation', () => {
    expect(epilogueOf(backend(), 4, undefined, { activation: 'linear' }, undefined)).toBe(0);
  });

  it('refuses what does not belong to the columns, and what it does not know', () => {
    expect(epilogueOf(backend(), 5, four, { activation: 'relu' }, undefined)).toBeUndefined();
    expect(epilogueOf(backend(), 4, undefined, { activation: 'prelu' }, undefined)).toBeUndefined();
    expect(epilogueOf(backend(), 4, undefined, { activation: 'swish' }, undefined)).toBeUndefined();
    expect(epilogueOf(backend(), 4, undefined, { activation: 'toString' }, undefined)).toBeUndefined();
  });
});
