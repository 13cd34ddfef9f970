import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { BestWeights } from './best-weights.js';

it('puts back what was captured last, to the bit, and frees it', () => {
  const variable = tf.variable(tf.tensor1d([1, -0]));
  const before = tf.memory().numTensors;
  const best = new BestWeights([variable]);
  expect(best.restore()).toBe(false);

  tf.tidy(() => best.capture());
  expect(tf.memory().numTensors).toBe(before + 1);
  tf.tidy(() => variable.assign(tf.tensor1d([5, 6])));
  expect(best.restore()).toBe(true);
  expect(Object.is(variable.dataSync()[1], -0)).toBe(true);
  expect(variable.dataSync()[0]).toBe(1);

  tf.tidy(() => variable.assign(tf.tensor1d([7, 8])));
  best.capture();
  expect(tf.memory().numTensors).toBe(before + 1);
  tf.tidy(() => variable.assign(tf.tensor1d([9, 9])));
  best.restore();
  expect([...variable.dataSync()]).toEqual([7, 8]);

  best.dispose();
  expect(best.restore()).toBe(false);
  expect(tf.memory().numTensors).toBe(before);
  variable.dispose();
});

it('takes tensors by name instead of the variables', () => {
  const variable = tf.variable(tf.scalar(1), true, 'best-weights-test');
  const given = tf.scalar(4);
  const best = new BestWeights([variable]);
  best.capture({ 'best-weights-test': given });
  given.dispose();
  best.restore();
  expect(variable.dataSync()[0]).toBe(4);
  best.dispose();
  variable.dispose();
});
