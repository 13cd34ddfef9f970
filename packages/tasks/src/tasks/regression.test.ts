import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import type { PairedSplits } from '../data/rows.js';
import { mlp } from '../models/mlp.js';
import { regressionTask } from './regression.js';
import type { TaskInstance } from './task.js';

const random = createRandom(6);
const normal = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());

/** Three inputs, two targets, at random. */
const data: PairedSplits = {
  train: { inputs: { values: normal(120), width: 3 }, targets: { values: normal(80), width: 2 } },
  test: { inputs: { values: normal(3300), width: 3 }, targets: { values: normal(2200), width: 2 } },
};

function toy(seed = 1): TaskInstance<SupervisedBatch> {
  return regressionTask({ data, model: mlp({ sizes: [3, 5, 2], activation: 'tanh', seed }), batchSize: 8 });
}

/** Σ (f − y)² in float64. */
const squared = (outputs: ArrayLike<number>, targets: ArrayLike<number>): number =>
  Array.from(targets).reduce((sum, y, i) => sum + (outputs[i]! - y) ** 2, 0);

describe('regressionTask', () => {
  it('has ½ squared error, summed over targets and averaged over rows', async () => {
    const task = toy();
    const source = task.trainSource(0);
    const batch = await source.next();
    const outputs = task.objective.predict(batch, true) as tf.Tensor;
    const loss = task.objective.loss(outputs, batch);
    const expected = squared(await outputs.data(), await batch.targets.data()) / 2 / 8;
    expect((await loss.data())[0]).toBeCloseTo(expected, 5);
    const divergence = task.objective.divergence(outputs, batch.targets);
    expect((await divergence.data())[0]).toBeCloseTo(expected, 5);
    tf.dispose([outputs, loss, divergence]);
    source.release(batch);
    task.dispose();
  });

  it('has the gradient that central differences give', async () => {
    const task = toy();
    const source = task.trainSource(0);
    const batch = await source.next();
    const lossAt = (): tf.Scalar => task.objective.loss(task.objective.predict(batch, true), batch);
    const { value, grads } = tf.variableGrads(lossAt, [...task.variables]);
    const h = 1e-2;
    for (const variable of task.variables) {
      const analytic = await grads[variable.name]!.data();
      const point = [...(await variable.data())];
      for (let k = 0; k < point.length; k++) {
        const moved = (offset: number): number =>
          tf.tidy(() => {
            const shifted = point.map((p, i) => (i === k ? p + offset : p));
            variable.assign(tf.tensor(shifted, variable.shape));
            return lossAt().dataSync()[0]!;
          });
        expect((moved(h) - moved(-h)) / (2 * h)).toBeCloseTo(analytic[k]!, 3);
      }
      tf.tidy(() => variable.assign(tf.tensor(point, variable.shape)));
    }
    tf.dispose([value, grads]);
    source.release(batch);
    task.dispose();
  });

  it.each([7, 1100])('evaluates %i rows as a direct computation does, and leaks nothing', async (limit) => {
    const before = tf.memory().numTensors;
    const task = toy();
    const targets = data.test.targets.values.subarray(0, 2 * limit);
    const outputs = tf.tidy(() => {
      const inputs = tf.tensor2d([...data.test.inputs.values.subarray(0, 3 * limit)], [limit, 3]);
      return (task.objective.predict({ inputs, targets: inputs }, false) as tf.Tensor).dataSync();
    });
    const sum = squared(outputs, targets);
    const result = await task.evaluate('test', limit);
    expect(result.examples).toBe(limit);
    expect(result.loss).toBeCloseTo(sum / 2 / limit, 4);
    expect(result.metrics!['meanSquaredError']).toBeCloseTo(sum / 2 / limit, 4);
    expect(Object.keys(result)).not.toContain('accuracy');
    task.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes all rows without a limit and refuses one below 1', async () => {
    const task = toy();
    expect((await task.evaluate('train')).examples).toBe(40);
    await expect(task.evaluate('train', 0)).rejects.toThrow(/limit is 0/);
    task.dispose();
  });
});
