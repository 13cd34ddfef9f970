import * as tf from '@tensorflow/tfjs-core';
import { Apo, createObjective } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { freshPrefix, leaked, normalTensor, values } from '../test/tensors.js';
import { precondition } from './precondition.js';

const ROWS = 16;
const COEFFICIENTS = [1, -2, 3, 0.5];

/**
 * Least squares on a fresh batch in every step, t = x · coefficients + noise of variance 1: the mean of ‖w − coefficients‖² over
 * the last 600 of 3,000 steps.
 */
function lateError(constantWeight?: number): number {
  const kernel = tf.tidy(() => tf.variable(tf.zeros([4, 1]), true, `${freshPrefix()}kernel`));
  const objective = createObjective({
    variables: [kernel],
    predict: ({ inputs }: { inputs: tf.Tensor; targets: tf.Tensor }) => tf.matMul(inputs, kernel),
    loss: 'squared-error',
  });
  const batchOf = (seed: number): { inputs: tf.Tensor; targets: tf.Tensor } => {
    const inputs = normalTensor([ROWS, 4], 2 * seed);
    const exact = COEFFICIENTS.map((c) => [c]);
    const targets = tf.tidy(() => tf.add(tf.matMul(inputs, exact), normalTensor([ROWS, 1], 2 * seed + 1)));
    return { inputs, targets };
  };
  const apo = new Apo(
    objective,
    precondition({ form: 'diagonal' }),
    constantWeight === undefined ? {} : { lambdaFsd: constantWeight },
  );
  let [sum, previous] = [0, batchOf(0)];
  for (let step = 1; step <= 3000; step++) {
    const batch = batchOf(step);
    apo.step(batch, previous);
    tf.dispose([previous.inputs, previous.targets]);
    previous = batch;
    if (step > 2400) sum += values(kernel).reduce((s, w, i) => s + (w - COEFFICIENTS[i]!) ** 2, 0);
  }
  apo.dispose();
  tf.dispose([kernel, previous.inputs, previous.targets]);
  return sum / 600;
}

describe('λ_FSD of the preset auto', () => {
  it('grows with the square of the step, up to ten', () => {
    const kernel = tf.tidy(() => tf.variable(tf.zeros([2, 1]), true, `${freshPrefix()}kernel`));
    const objective = createObjective({
      variables: [kernel],
      predict: ({ inputs }: { inputs: tf.Tensor; targets: tf.Tensor }) => tf.matMul(inputs, kernel),
      loss: 'squared-error',
    });
    const apo = new Apo(objective, precondition());
    const { lambdaFsd } = apo.options;
    expect(lambdaFsd).toBeTypeOf('function');
    const weight = lambdaFsd as (step: number) => number;
    expect([0, 1000, 20_000].map(weight)).toEqual([0.03, 0.28, 10]);
    apo.dispose();
    kernel.dispose();
  });

  // Near the minimum a step that goes the part a = 1 / (1 + λ) of the way to its own batch's least squares has a stationary error
  // of a / (2 − a) times theirs: 0.94 for λ = 0.03, and at most 0.25 from λ = 1.47, where the last 600 begin.
  it('averages the noise of the batches away, which a constant weight does not', async () => {
    let [growing, constant] = [NaN, NaN];
    const lost = await leaked(() => {
      [growing, constant] = [lateError(), lateError(0.03)];
    });
    expect(lost).toBe(0);
    expect(growing).toBeLessThan(constant / 2);
  });
});
