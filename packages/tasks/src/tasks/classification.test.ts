import * as tf from '@tensorflow/tfjs-core';
import type { SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { fileStore } from '../node/file-store.js';
import { syntheticDigits } from '../data/digits.js';
import type { Model } from '../models/model.js';
import { classificationTask } from './classification.js';
import { digits } from './digits.js';
import { mnistMlp, mnistMlpSmall } from './mnist-mlp.js';
import type { TaskInstance } from './task.js';

/** Plain gradient descent by TensorFlow.js's own optimizer. */
async function train(
  task: TaskInstance<SupervisedBatch>,
  { steps, seed, batchSize }: { steps: number; seed: number; batchSize?: number },
): Promise<void> {
  const optimizer = tf.train.sgd(0.2);
  const source = task.trainSource(seed, batchSize);
  for (let step = 0; step < steps; step++) {
    const batch = await source.next();
    optimizer.minimize(() => task.objective.loss(task.objective.predict(batch, true), batch), false, [
      ...task.variables,
    ]);
    source.release(batch);
  }
  optimizer.dispose();
}

describe('digits', () => {
  it('starts near log 10 and learns: 400 steps of gradient descent classify nine of ten test images', async () => {
    const task = await digits.load({ seed: 1 });
    // He-initialised logits scatter by about one, so the first loss is log 10 = 2.3 and a little more.
    const start = await task.evaluate('train', 10_000);
    expect(start.examples).toBe(2000);
    expect(start.loss).toBeGreaterThan(2);
    expect(start.loss).toBeLessThan(4);
    await train(task, { steps: digits.defaults.steps, seed: 1 });
    const end = await task.evaluate('test');
    expect(end.examples).toBe(500);
    expect(end.accuracy).toBeGreaterThan(0.9);
    task.dispose();
  });

  it('repeats a run bit by bit for the same seed and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const run = async (seed: number): Promise<number[]> => {
      const task = await digits.load({ seed });
      await train(task, { steps: 20, seed });
      const weights = [...(await task.variables[0]!.data())];
      task.dispose();
      return weights;
    };
    const first = await run(3);
    expect(await run(3)).toEqual(first);
    expect(await run(4)).not.toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('uses the batch size that is asked for, and lives beside a second instance under another name', async () => {
    const [a, b] = [await digits.load(), await digits.load({ name: 'b' })];
    const source = a.trainSource(0, 7);
    const batch = await source.next();
    expect(batch.inputs.shape).toEqual([7, 144]);
    expect(source.batchesPerEpoch).toBe(285);
    expect(b.variables[0]?.name).toBe('b/dense1/kernel');
    source.release(batch);
    a.dispose();
    b.dispose();
  });
});

/** A model of one's own, as a class. */
class Linear implements Model {
  readonly variables = [tf.tidy(() => tf.variable<tf.Rank>(tf.zeros([144, 10])))];
  predict(inputs: tf.Tensor): tf.Tensor {
    return tf.matMul(inputs, this.variables[0]!);
  }
  dispose(): void {
    tf.dispose(this.variables);
  }
}

describe('classificationTask', () => {
  it('takes a model of one’s own, and disposes it', async () => {
    const before = tf.memory().numTensors;
    const data = syntheticDigits({ train: 20, test: 10 });
    const task = classificationTask({ data, model: new Linear(), batchSize: 5 });
    // Ten equal logits: log 10.
    expect((await task.evaluate('test')).loss).toBeCloseTo(Math.log(10), 5);
    task.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('mnist-mlp', () => {
  const store = fileStore({ download: false });

  it('has the published shapes', async () => {
    for (const [task, hidden] of [
      [mnistMlp, 1000],
      [mnistMlpSmall, 256],
    ] as const) {
      const instance = await task.load({ store });
      expect(instance.variables.filter(({ rank }) => rank === 2).map(({ shape }) => shape)).toEqual([
        [784, hidden],
        [hidden, hidden],
        [hidden, 10],
      ]);
      expect(instance.trainSource(0).batchesPerEpoch).toBe(600);
      instance.dispose();
    }
  });

  it('learns real digits', async () => {
    const task = await mnistMlpSmall.load({ store, seed: 0 });
    await train(task, { steps: 40, batchSize: 32, seed: 0 });
    // Guessing gives .1 on average; .6 after 1,280 images means that images and labels belong together.
    expect((await task.evaluate('test', 500)).accuracy).toBeGreaterThan(0.6);
    task.dispose();
  });

  it('says that it needs a store', async () => {
    const before = tf.memory().numTensors;
    await expect(mnistMlp.load()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('@apo/tasks/node') as string,
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
