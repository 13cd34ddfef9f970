/**
 * Gradients that @apo/core registers for every engine, in the forms that only this engine's kernels compute rightly forward:
 * products of batches that broadcast both ways, and einsum with an operand that shares no label. Both are linear in each
 * operand, so ⟨∂f/∂a, u⟩ is f(u, b) for any u.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { evaluate, randomTensor, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

function check(product: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, aShape: number[], bShape: number[]): void {
  const [a, b] = [randomTensor(aShape, 21), randomTensor(bShape, 22)];
  const [u, v] = [randomTensor(aShape, 23), randomTensor(bShape, 24)];
  const f = (x: tf.Tensor, y: tf.Tensor): tf.Scalar => {
    const output = product(x, y);
    return tf.sum(tf.mul(output, randomTensor(output.shape, 25)));
  };
  const slope = (which: 0 | 1, direction: tf.Tensor): number =>
    evaluate(() => tf.sum(tf.mul(tf.grads(f)([a, b])[which]!, direction))).values[0]!;
  expect(slope(0, u)).toBeCloseTo(evaluate(() => f(u, b)).values[0]!, 4);
  expect(slope(1, v)).toBeCloseTo(evaluate(() => f(a, v)).values[0]!, 4);
  tf.dispose([a, b, u, v]);
}

it.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])('matMul of batches [2, 1] and [1, 3], transposeA=%s, transposeB=%s', (transposeA, transposeB) => {
  check(
    (a, b) => tf.matMul(a, b, transposeA, transposeB),
    [2, 1, ...(transposeA ? [5, 4] : [4, 5])],
    [1, 3, ...(transposeB ? [6, 5] : [5, 6])],
  );
});

it.each([
  ['ij,k->jk', [3, 4], [5]],
  ['ij,kl->jl', [3, 4], [5, 2]],
  ['bqhd,bkhd->bhqk', [2, 3, 2, 4], [2, 5, 2, 4]],
] as const)('einsum %s', (equation, aShape, bShape) => {
  check((a, b) => tf.einsum(equation, a, b), [...aShape], [...bShape]);
});
