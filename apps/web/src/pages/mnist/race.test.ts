import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { Race } from './race.js';
import { codec } from './settings.js';
import type { MnistSettings } from './settings.js';
import { bars } from './testing.js';

const data = { train: bars(120, 1), test: bars(50, 2) };
const small: MnistSettings = { ...codec.defaults, model: 'mlp-32', batch: 10, steps: 40 };

async function losses(settings: MnistSettings, chunks: readonly number[]) {
  const race = new Race(settings, data);
  const fixed: number[] = [];
  const tuned: number[] = [];
  const metaSteps: number[] = [];
  for (const count of chunks) {
    const advance = await race.advance(count);
    fixed.push(...advance.losses.fixed);
    tuned.push(...advance.losses.tuned);
    metaSteps.push(...advance.metaSteps.map(({ step }) => step));
  }
  const { evaluation } = await race.evaluate();
  const { failedAt } = race;
  race.dispose();
  return { fixed, tuned, metaSteps, evaluation, failedAt };
}

test('both runs start from the same weights on the same batches, and only the rate is adapted', async () => {
  const { fixed, tuned, metaSteps } = await losses(small, [60]);
  expect(fixed).toHaveLength(60);
  expect(tuned[0]).toBe(fixed[0]);
  // At 0.001 the fixed run hardly moves; the other finds a rate at which it learns.
  expect(fixed.at(-1)!).toBeGreaterThan(0.8 * fixed[0]!);
  expect(tuned.at(-1)!).toBeLessThan(0.65 * tuned[0]!);
  // Each of the first 20 steps, then step 21 and every tenth.
  expect(metaSteps).toEqual([...Array.from({ length: 21 }, (_, i) => i + 1), 31, 41, 51]);
});

test('the same settings give the same bits, however the steps are grouped', async () => {
  const once = await losses(small, [1, 2, 7, 15]);
  const twice = await losses(small, [25]);
  expect(twice).toEqual(once);
  const other = await losses({ ...small, seed: 1 }, [25]);
  expect(other.fixed).not.toEqual(once.fixed);
});

test('a run that fails stops there, and the other goes on', async () => {
  // A step this long overflows; the self-tuned run starts at its own estimate instead.
  const settings: MnistSettings = { ...small, rate: 1e30, start: 'estimated' };
  const { fixed, tuned, failedAt, evaluation } = await losses(settings, [40, 10]);
  expect(failedAt.fixed).toBe(fixed.length + 1);
  expect(fixed.every(Number.isFinite)).toBe(true);
  expect(failedAt.tuned).toBeNull();
  expect(tuned).toHaveLength(50);
  expect(evaluation.accuracy.fixed).toBeNull();
});

test.each(['sgd', 'momentum', 'rmsprop', 'adam'] as const)(
  '%s runs, and nothing is left after it',
  async (optimizer) => {
    const before = tf.memory().numTensors;
    const { tuned } = await losses({ ...small, optimizer, start: 'estimated', wsd: 0.01 }, [3, 12]);
    expect(tuned.every(Number.isFinite)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  },
);

test('the number of tensors is the same after every group of steps', async () => {
  const race = new Race(small, data);
  await race.advance(2);
  const early = tf.memory().numTensors;
  for (let i = 0; i < 10; i++) await race.advance(5);
  await race.evaluate();
  expect(tf.memory().numTensors).toBe(early);
  race.dispose();
});

test('probabilities of a digit add up to one, and come from both networks', async () => {
  const race = new Race(small, data);
  await race.advance(100);
  const image = data.test.inputs.subarray(3 * 784, 4 * 784);
  const { fixed, tuned } = await race.classify(image);
  expect(fixed.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  expect(tuned.indexOf(Math.max(...tuned))).toBe(3);
  race.dispose();
});

test('the answers are those to each of the test images, in their order', async () => {
  // More images than a byte can count, of which only the last 40 are of other classes than 0.
  const many = bars(300, 3);
  const zero = many.inputs.slice(0, 784);
  for (let i = 0; i < 260; i++) {
    many.inputs.set(zero, 784 * i);
    many.labels[i] = 0;
  }
  const race = new Race(small, { train: data.train, test: many });
  await race.advance(100);
  const { answers, evaluation } = await race.evaluate();
  expect(answers.tuned).toHaveLength(300);
  expect(new Set(answers.tuned.subarray(0, 260)).size).toBe(1);
  expect(new Set(answers.tuned.subarray(260)).size).toBeGreaterThan(5);
  const right = many.labels.filter((label, i) => label === answers.tuned[i]).length;
  expect(evaluation.accuracy.tuned).toBeCloseTo(right / 300, 12);
  race.dispose();
});
