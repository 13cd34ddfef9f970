/** Element-wise kernels of one and two operands, softmax, batch normalisation, depthwise convolutions and pooling gradients give the same bits on two threads as on one. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { expect, it } from 'vitest';
import { wasmBackend } from '../adapter.js';
import { stopThreads, threadCount } from '../threads/parallel.js';
import { evaluate, randomTensor } from '../testing/setup.js';

it('splits the work without changing a bit', async () => {
  expect((await wasmBackend({ threads: 2 }).activate()).threads).toBe(2);
  // 400,000 elements: beyond the grain of every kernel here, with rows and images that do not divide evenly.
  const x = randomTensor([25, 40, 25, 16], 1) as tf.Tensor4D;
  const [mean, variance] = [randomTensor([16], 2), tf.tidy(() => tf.square(randomTensor([16], 3)))] as [
    tf.Tensor1D,
    tf.Tensor1D,
  ];
  const upstream = randomTensor([25, 20, 13, 16], 4);
  const pool = (op: typeof tf.maxPool) => () =>
    tf.grad((t: tf.Tensor) => op(t as tf.Tensor4D, 3, 2, 'same'))(x, upstream);
  const filter = randomTensor([3, 3, 16, 2], 5) as tf.Tensor4D;
  const depthwise = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same');
  const convolved = randomTensor([25, 40, 25, 32], 6);
  // A row that all rows meet, long and short, a column, a scalar, and the same shape, from either side.
  const others = [[25 * 16], [16], [1000, 1], [], [1000, 400]].map((shape, i) => randomTensor(shape, 7 + i));
  const matrix = tf.reshape(x, [1000, 400]);
  const short = tf.reshape(x, [25_000, 16]);
  const computations: (() => tf.Tensor)[] = [
    ...[tf.add, tf.sub, tf.div, tf.maximum, tf.less].flatMap((op) =>
      others.flatMap((other) => {
        const left = other.shape[0] === 16 ? short : matrix;
        return [() => op(left, other), () => op(other, left)];
      }),
    ),
    () => tf.grad((t: tf.Tensor) => tf.relu(t))(matrix, others[4]),
    ...[tf.exp, tf.tanh, tf.softplus, tf.sqrt, tf.relu6].map((op) => () => op(x)),
    () => tf.softmax(x),
    () => tf.grad((t: tf.Tensor) => tf.softmax(t))(x, x),
    () => tf.batchNorm(x, mean, variance, mean, variance),
    pool(tf.maxPool),
    pool(tf.avgPool),
    () => depthwise(x, filter),
    () => tf.grads(depthwise)([x, filter], convolved)[0]!,
    () => tf.grads(depthwise)([x, filter], convolved)[1]!,
  ];
  const two = computations.map((compute) => evaluate(compute).values);
  const backend = tf.backend() as unknown as BackendWasm;
  stopThreads(backend);
  expect(threadCount(backend)).toBe(1);
  computations.forEach((compute, i) => {
    const one = evaluate(compute).values;
    expect(one).toHaveLength(two[i]!.length);
    expect(one.findIndex((value, at) => !Object.is(value, two[i]![at]))).toBe(-1);
  });
  tf.dispose([x, mean, variance, upstream, filter, convolved, matrix, short, ...others]);
});
