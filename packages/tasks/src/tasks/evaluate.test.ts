import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import type { LabelledExamples } from '../data/examples.js';
import { evaluateClassifier } from './evaluate.js';

/** 2,300 examples (two chunks and a rest) of one byte; logits are (0, w · byte/255 − 0.5). */
const examples: LabelledExamples = {
  inputs: Uint8Array.from({ length: 2300 }, (_, i) => (i * 89) % 256),
  labels: Uint8Array.from({ length: 2300 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  exampleShape: [1],
  classes: 2,
};

/** Loss and accuracy in float64: cross-entropy of two classes is log(1 + e^∓z), the prediction is class 1 for z > 0. */
function direct(w: number, limit: number): { loss: number; accuracy: number } {
  let [loss, hits] = [0, 0];
  for (let i = 0; i < limit; i++) {
    const z = (w * examples.inputs[i]!) / 255 - 0.5;
    const label = examples.labels[i]!;
    loss += Math.log1p(Math.exp(label === 1 ? -z : z));
    if ((z > 0 ? 1 : 0) === label) hits++;
  }
  return { loss: loss / limit, accuracy: hits / limit };
}

let modes: boolean[];

function objectiveWith(weight: tf.Variable): Objective<SupervisedBatch> {
  return createObjective({
    variables: [weight],
    predict: ({ inputs }: SupervisedBatch, training) => {
      modes.push(training);
      const z = tf.sub(tf.mul(inputs, weight), 0.5);
      return tf.concat([tf.zerosLike(z), z], 1);
    },
    loss: 'softmax-cross-entropy',
  });
}

describe('evaluateClassifier', () => {
  it.each([1, 999, 1000, 1001, 2300])('agrees with a direct computation on %i examples', async (limit) => {
    modes = [];
    const weight = tf.variable(tf.scalar(1.73));
    const result = await evaluateClassifier(objectiveWith(weight), examples, limit);
    const expected = direct(1.73, limit);
    expect(result.examples).toBe(limit);
    expect(result.loss).toBeCloseTo(expected.loss, 5);
    expect(result.accuracy).toBeCloseTo(expected.accuracy, 12);
    expect(modes).toEqual(new Array(Math.ceil(limit / 1000)).fill(false));
    weight.dispose();
  });

  it('takes all examples without a limit, or with one that is too large, and leaks nothing', async () => {
    modes = [];
    const weight = tf.variable(tf.scalar(1.73));
    const before = tf.memory().numTensors;
    const all = await evaluateClassifier(objectiveWith(weight), examples);
    expect(all.examples).toBe(2300);
    expect(await evaluateClassifier(objectiveWith(weight), examples, 10_000)).toEqual(all);
    expect(tf.memory().numTensors).toBe(before);
    weight.dispose();
  });

  it('refuses a limit below one', async () => {
    modes = [];
    const weight = tf.variable(tf.scalar(1));
    await expect(evaluateClassifier(objectiveWith(weight), examples, 0)).rejects.toThrow(/limit is 0/);
    weight.dispose();
  });
});
