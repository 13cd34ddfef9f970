import * as tf from '@tensorflow/tfjs-core';
import { momentum, RuleOptimizer } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { fileStore } from '../node/file-store.js';
import { lenetMnist } from './lenet-mnist.js';

const store = fileStore({ download: false });

describe('lenet-mnist', () => {
  /** Losses of training with momentum on the same few images, over and over. */
  async function overfit(steps: number): Promise<number[]> {
    const task = await lenetMnist.load({ store, seed: 0 });
    const optimizer = new RuleOptimizer(task.objective, momentum({ learningRate: 0.03 }));
    const source = task.trainSource(0, 6);
    const batch = await source.next();
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const loss = optimizer.step(batch, undefined, { returnLoss: true })!;
      losses.push((await loss.data())[0]!);
      loss.dispose();
    }
    source.release(batch);
    optimizer.dispose();
    task.dispose();
    return losses;
  }

  it('learns six digits by heart, repeats itself bit by bit, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const losses = await overfit(12);
    // Guessing costs log 10 = 2.3; He-initialised logits scatter by about one.
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
    expect(await overfit(2)).toEqual(losses.slice(0, 2));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('evaluates loss and accuracy', async () => {
    const task = await lenetMnist.load({ store, seed: 0 });
    const { loss, accuracy, examples } = await task.evaluate('test', 4);
    expect(examples).toBe(4);
    expect(loss).toBeGreaterThan(0);
    expect([0, 0.25, 0.5, 0.75, 1]).toContain(accuracy);
    task.dispose();
  });

  it('takes batches of 128, and a prefix for its names', async () => {
    const task = await lenetMnist.load({ store, name: 'second' });
    expect(task.variables[0]?.name).toBe('second/conv1/kernel');
    const source = task.trainSource(0);
    const batch = await source.next();
    expect(batch.inputs.shape).toEqual([128, 784]);
    expect(source.batchesPerEpoch).toBe(468);
    source.release(batch);
    task.dispose();
  });

  it('says that it needs a store', async () => {
    await expect(lenetMnist.load()).rejects.toThrow(/The task lenet-mnist needs a data store/);
  });
});
