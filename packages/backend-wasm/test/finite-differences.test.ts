/**
 * Gradients of single operators against central differences of the operator itself, over shapes, strides, paddings and
 * broadcast forms. The inputs of poolings are distinct and negative, the case that the stock gradients get wrong.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomTensor, startWasm } from '../src/testing/setup.js';

beforeAll(startWasm);

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Distinct values −1, −1 − gap, … in a random order. */
function distinctNegative(shape: number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  const order = createRandom(seed).permutation(size);
  return tf.tensor(
    Float32Array.from(order, (place) => -1 - 0.25 * place),
    shape,
  );
}

/** Σ w ⊙ op(inputs) with fixed random w: its gradient in each input, by tfjs and by differences in that input's elements. */
function expectDifferences(op: Op, inputs: tf.Tensor[], step: number): void {
  tf.tidy(() => {
    const weights = randomTensor(op(...inputs).shape, 99);
    const f: Op = (...xs) => tf.sum(tf.mul(op(...xs), weights));
    const gradients = tf.grads(f)(inputs);
    inputs.forEach((input, which) => {
      const values = Float32Array.from(input.dataSync());
      const at = (i: number, shift: number): number => {
        const moved = Float32Array.from(values);
        moved[i] = values[i]! + shift;
        const xs = inputs.map((x, k) => (k === which ? tf.tensor(moved, input.shape) : x));
        return f(...xs).dataSync()[0]!;
      };
      const gradient = gradients[which]!.dataSync();
      values.forEach((_, i) => {
        const difference = (at(i, step) - at(i, -step)) / (2 * step);
        expect(Math.abs(gradient[i]! - difference), `input ${which}, element ${i}`).toBeLessThan(
          2e-3 * Math.max(1, Math.abs(difference)),
        );
      });
    });
  });
}

const windows = [
  { filter: [3, 3], strides: [1, 1], pad: 'same' },
  { filter: [3, 3], strides: [2, 2], pad: 'same' },
  { filter: [2, 3], strides: [2, 1], pad: 'valid' },
  { filter: [1, 1], strides: [1, 1], pad: 'valid' },
  { filter: [3, 3], strides: [2, 2], pad: 1 },
] as const;

describe.each(windows)('window $filter, strides $strides, pad $pad', ({ filter, strides, pad }) => {
  const [height, width] = filter;
  const stride: [number, number] = [...strides];

  // A linear operator in each argument: any step is exact up to rounding.
  it('conv2d', () => {
    const inputs = [randomTensor([2, 5, 6, 3], 1), randomTensor([height, width, 3, 4], 2)];
    expectDifferences((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad), inputs, 0.5);
  });

  it('maxPool of negative values', () => {
    // Steps of less than half the gap never change which element is the largest.
    expectDifferences(
      (x) => tf.maxPool(x as tf.Tensor4D, [height, width], stride, pad),
      [distinctNegative([2, 5, 6, 2], 5)],
      0.1,
    );
  });

  it('avgPool', () => {
    expectDifferences(
      (x) => tf.avgPool(x as tf.Tensor4D, [height, width], stride, pad),
      [randomTensor([2, 5, 6, 2], 6)],
      0.5,
    );
  });
});

/** The one call where tfjs-core's own test suite expects something else than the derivative of what it computes. */
describe("avgPool in the call of tfjs-core's test 'gradient x=[3,3,1] f=[3,3] s=1 p=explicit'", () => {
  const padding: tf.backend_util.ExplicitPadding = [
    [0, 0],
    [1, 2],
    [0, 1],
    [0, 0],
  ];
  const pool: Op = (x) => tf.avgPool(x as tf.Tensor3D, 3, 1, padding);
  const x = (): tf.Tensor => tf.tensor3d([0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 3, 1]);
  const dy = [0, 3, 0, 6, 0, 9, 0, 12];

  it('is the difference quotient, and not what that test expects', () => {
    expectDifferences(pool, [x()], 0.5);
    tf.tidy(() => {
      const gradient = tf.grad(pool)(x(), tf.tensor3d(dy, [4, 2, 1]));
      // The windows of the second column meet columns 1 and 2, and rows 0–1, 0–2, 1–2 and 2: 4, 6, 4 and 2 inputs.
      // So rows 0, 1, 2 get 3/4 + 6/6, 3/4 + 6/6 + 9/4 and 6/6 + 9/4 + 12/2, where that test has 1, 2 and 3: all over 9.
      expect(Array.from(gradient.dataSync())).toEqual([0, 1.75, 1.75, 0, 4, 4, 0, 9.25, 9.25]);
      // ⟨dy, pool(e)⟩ for the input e that is 1 at row 2, column 1, and 0 elsewhere: pool is linear, so this is the derivative.
      const unit = tf.tensor3d([0, 0, 0, 0, 0, 0, 0, 1, 0], [3, 3, 1]);
      const products = Array.from(pool(unit).dataSync(), (value, i) => value * dy[i]!);
      expect(products.reduce((sum, product) => sum + product, 0)).toBeCloseTo(9.25, 5);
    });
  });
});

// tfjs computes depthwise convolutions for equal strides only.
const equalStrides = windows.filter(({ strides: [down, right] }) => down === right);

it.each(equalStrides)(
  'depthwiseConv2d, window $filter, strides $strides, pad $pad',
  ({ filter, strides, pad }) => {
    const [height, width] = filter;
    const inputs = [randomTensor([2, 5, 6, 3], 3), randomTensor([height, width, 3, 2], 4)];
    expectDifferences(
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, [...strides], pad),
      inputs,
      0.5,
    );
  },
);

describe('matMul', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('transposes %s, %s, with and without a batch', (transposeA, transposeB) => {
    const shape = (rows: number, columns: number, transposed: boolean): number[] =>
      transposed ? [columns, rows] : [rows, columns];
    for (const batch of [[], [3], [2, 2]]) {
      const a = randomTensor([...batch, ...shape(4, 5, transposeA)], 7);
      const b = randomTensor([...batch, ...shape(5, 3, transposeB)], 8);
      expectDifferences((x, y) => tf.matMul(x, y, transposeA, transposeB), [a, b], 0.5);
    }
  });
});

describe('gather (UnsortedSegmentSum), sums and broadcasts', () => {
  it.each([0, 1, 2])('gather along axis %d, with repeated indices', (axis) => {
    const indices = tf.tensor1d([1, 0, 1, 2, 1], 'int32');
    expectDifferences((x) => tf.gather(x, indices, axis), [randomTensor([3, 4, 3], 9)], 0.5);
    indices.dispose();
  });

  it.each([[[0]], [[1]], [[0, 2]], [[0, 1, 2]]])('sum and mean over %j', (axes) => {
    expectDifferences((x) => tf.add(tf.sum(x, axes), tf.mean(x, axes)), [randomTensor([3, 4, 5], 10)], 0.5);
  });

  it.each([
    [[4, 3], [3]],
    [
      [4, 3],
      [4, 1],
    ],
    [
      [2, 1, 3],
      [4, 1],
    ],
    [[4, 3], []],
  ])('a + b, a · b with shapes %j and %j', (left, right) => {
    expectDifferences(
      (a, b) => tf.add(tf.mul(a, b), tf.sub(a, b)),
      [randomTensor(left, 11), randomTensor(right, 12)],
      0.5,
    );
  });
});
