import * as tf from '@tensorflow/tfjs-core';
import { createRandom, momentum, RuleOptimizer } from '@apo/core';
import { strToU8 } from 'fflate';
import { describe, expect, it } from 'vitest';
import { uciFile, uciStore } from '../../test/real-data.js';
import type { DataStore } from '../data/data-set.js';
import { uciParkinsons, uciProtein, uciSlice } from '../data/uci.js';
import type { UciDataSet } from '../data/uci.js';
import { uciParkinsonsTask, uciProteinTask, uciSliceTask } from './uci.js';

/** A table of the format of the set and its number of rows, noise but for the targets: the sum of the first three columns. */
function generated({ rows, columns, targets, ignored }: UciDataSet): DataStore {
  const random = createRandom(3);
  const features = columns - targets.length - ignored.length;
  const header = [...ignored, ...Array.from({ length: features }, (_, i) => `x${i}`), ...targets];
  const lines = Array.from({ length: rows }, () => {
    const x = Array.from({ length: features }, () => random.integer(100));
    return [...ignored.map(() => 1), ...x, ...targets.map(() => x[0]! + x[1]! + x[2]!)].join();
  });
  return { read: () => Promise.resolve(strToU8([header.join(), ...lines].join('\n'))) };
}

async function train(task: Awaited<ReturnType<typeof uciProteinTask.load>>, steps: number): Promise<number> {
  const optimizer = new RuleOptimizer(task.objective, momentum({ learningRate: 0.02 }));
  const source = task.trainSource(0);
  for (let step = 0; step < steps; step++) {
    const batch = await source.next();
    optimizer.step(batch);
    source.release(batch);
  }
  optimizer.dispose();
  return (await task.evaluate('test', 500)).metrics!['meanSquaredError']!;
}

describe('uci tasks', () => {
  it('have two hidden layers of 100, learn a linear table, repeat themselves, and leak nothing', async () => {
    const before = tf.memory().numTensors;
    const store = generated(uciParkinsons);
    const run = async (): Promise<number> => {
      const task = await uciParkinsonsTask.load({ store, seed: 1 });
      expect(task.variables.map(({ name, shape }) => [name, shape])).toEqual([
        ['dense1/kernel', [19, 100]],
        ['dense1/bias', [100]],
        ['dense2/kernel', [100, 100]],
        ['dense2/bias', [100]],
        ['dense3/kernel', [100, 2]],
        ['dense3/bias', [2]],
      ]);
      const error = await train(task, 40);
      task.dispose();
      return error;
    };
    const error = await run();
    // Standardised targets: predicting their mean has an error of 1.
    expect(error).toBeLessThan(0.3);
    expect(await run()).toBe(error);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('name their batch size, and say that they need a store', async () => {
    for (const task of [uciProteinTask, uciParkinsonsTask, uciSliceTask]) {
      expect(task.defaults.batchSize).toBe(128);
      await expect(task.load()).rejects.toThrow(`The task ${task.name} needs a data store`);
    }
    expect(uciSliceTask.description).toContain('384-100-100-1');
    expect(uciProteinTask.description).toContain('9-100-100-1');
    expect(uciSlice.columns).toBe(386);
  });

  it('refuse a damaged table before they make a model', async () => {
    const before = tf.memory().numTensors;
    const short = generated({ ...uciProtein, rows: 5 });
    await expect(uciProteinTask.load({ store: short })).rejects.toThrow(/has 5 rows; expected 45730/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.runIf(uciFile('parkinsons_updrs.data') !== undefined)(
  'uci-parkinsons on the published table',
  () => {
    it('starts at an error of about the variance of the targets and learns', async () => {
      const task = await uciParkinsonsTask.load({ store: uciStore('parkinsons_updrs.data'), seed: 0 });
      const start = await task.evaluate('train');
      expect(start.examples).toBe(5288);
      // Two standardised targets cost ½ · 2 · 1 at outputs of zero; He-initialised outputs add their own variance.
      expect(start.loss).toBeGreaterThan(0.9);
      expect(start.loss).toBeLessThan(6);
      expect(await train(task, 120)).toBeLessThan(0.85);
      task.dispose();
    });
  },
);
