/** An objective in 16 bits from outside: its weights, outputs and parts, and what it refuses. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { leaked, testVariable, uniformTensor, values } from '../../test/numeric.js';
import { batchOf, disposeUsed, pass, use, weight } from '../../test/objective-pass.js';
import { hasAll, nearest } from '../../test/sixteen-bit.js';
import { createObjective, isApoError, withPrecision } from '../index.js';
import type { Objective, Outputs, Precision, SupervisedBatch } from '../index.js';

afterEach(() => {
  disposeUsed();
  expect(Object.hasOwn(tf.engine(), 'runKernelFunc')).toBe(false);
});

describe.each(['bf16', 'fp16'] as const)('%s', (precision) => {
  const round = (x: number): number => nearest(precision, x);

  it('rounds the variables in place, or copies of them with master weights', () => {
    const start = [0.1, -0.7123, 3.3];
    const make = (
      masterWeights: boolean,
    ): { w: tf.Variable; objective: Objective<SupervisedBatch>; seen: number[][] } => {
      const w = use(testVariable(tf.tensor1d(start), 'w'));
      const seen: number[][] = [];
      const plain = createObjective({
        variables: [w],
        predict: ({ inputs }) => {
          seen.push(values(w));
          return tf.mul(inputs, w);
        },
        loss: 'squared-error',
      });
      return { w, seen, objective: withPrecision(plain, precision, { masterWeights }) };
    };
    const batch = batchOf(tf.ones([2, 3]), tf.zeros([2, 3]));
    const rounded = start.map((value) => round(Math.fround(value)));
    const [own, master] = [make(false), make(true)];
    expect(values(own.w)).toEqual(rounded);
    own.w.assign(use(tf.tensor1d(start)));
    pass(own.objective, batch);
    expect(values(own.w)).toEqual(rounded);
    pass(master.objective, batch);
    expect(values(master.w)).toEqual(start.map(Math.fround));
    expect([...own.seen, ...master.seen]).toEqual([rounded, rounded]);
  });

  it('rounds outputs that no op made', () => {
    const w = weight([3], 50);
    const batch = batchOf(tf.tensor1d([0.1, 0.2, 0.3]), tf.zeros([3]));
    const predict: Record<string, (batch: SupervisedBatch) => Outputs> = {
      variable: () => w,
      input: ({ inputs }) => inputs,
      sum: ({ inputs }) => [tf.sum(tf.mul(inputs, w))],
    };
    for (const output of Object.values(predict)) {
      const objective = createObjective<SupervisedBatch>({
        variables: [w],
        predict: output,
        loss: (y) => tf.sum(Array.isArray(y) ? y[0]! : y),
      });
      const wrapped = withPrecision(objective, precision, { masterWeights: true });
      tf.tidy(() => {
        const [tensor] = [wrapped.predict(batch, false)].flat();
        expect(hasAll(precision, values(tensor!))).toBe(true);
      });
    }
  });

  it('gives the same bits again, leaks nothing, and changes nothing where it is not used', async () => {
    const [w, v] = [weight([5, 7], 60), weight([7, 2], 61)];
    const batch = batchOf(uniformTensor([4, 5], 62), uniformTensor([4, 2], 63));
    const objective = createObjective({
      variables: [w, v],
      predict: ({ inputs }) => tf.fused.matMul({ a: tf.elu(tf.matMul(inputs, w as tf.Tensor2D)), b: v }),
      loss: 'squared-error',
    });
    const before = pass(objective, batch);
    for (const masterWeights of [true, false]) {
      const wrapped = withPrecision(objective, precision, { masterWeights });
      const first = pass(wrapped, batch);
      expect(await leaked(() => expect(pass(wrapped, batch)).toEqual(first))).toBe(0);
      if (masterWeights) expect(pass(objective, batch)).toEqual(before);
    }
  });
});

it('uses the regulariser, divergence and state variables of the objective as they are', () => {
  const [w, average] = [weight([2, 2], 70), weight([2], 71)];
  const objective = createObjective({
    variables: [w],
    stateVariables: [average],
    predict: ({ inputs }) => tf.matMul(inputs, w as tf.Tensor2D),
    loss: 'squared-error',
    regularizer: () => tf.sum(tf.mul(w, 0.1)),
  });
  const wrapped = withPrecision(objective, 'bf16');
  const start = values(average);
  tf.tidy(() => {
    expect(wrapped.stateVariables).toEqual([average]);
    expect(values(average)).toEqual(start);
    expect(wrapped.regularizer!().dataSync()).toEqual(objective.regularizer!().dataSync());
    const [a, b] = [uniformTensor([3, 2], 72), uniformTensor([3, 2], 73)];
    expect(wrapped.divergence(a, b).dataSync()).toEqual(objective.divergence(a, b).dataSync());
  });
});

it('refuses a wrong precision and an asynchronous objective, and gives the engine back when predict throws', async () => {
  const w = weight([2], 80);
  const batch = batchOf(tf.ones([2]), tf.ones([2]));
  const failing = (predict: (batch: SupervisedBatch) => Outputs): unknown => {
    const objective = createObjective({ variables: [w], predict, loss: 'squared-error' });
    try {
      return withPrecision(objective, 'fp16').predict(batch, true);
    } catch (error) {
      expect(Object.hasOwn(tf.engine(), 'runKernelFunc')).toBe(false);
      return error;
    }
  };
  expect(
    await leaked(() =>
      expect(
        failing(() => {
          tf.mul(w, 2);
          throw new RangeError('from the model');
        }),
      ).toEqual(new RangeError('from the model')),
    ),
  ).toBe(0);
  const asynchronous = failing(() => Promise.resolve(w) as unknown as tf.Tensor);
  expect(isApoError(asynchronous) && asynchronous.message).toContain('asynchronous');
  const objective = createObjective({
    variables: [w],
    predict: () => w,
    loss: 'squared-error',
  });
  expect(() => withPrecision(objective, 'half' as unknown as Precision)).toThrow(
    `expected one of 'bf16', 'fp16'`,
  );
});
