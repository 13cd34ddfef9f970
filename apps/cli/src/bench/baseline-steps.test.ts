import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { baselineNames } from '../optimizers/names.js';
import { activateBenchEngine } from './activate.js';
import { baselineSteps, hasInverses, inverseInterval } from './baseline-steps.js';
import { LocalMeter } from './local-meter.js';
import { dense } from './models/dense.js';
import { createRandom } from '@apo/core';

beforeAll(async () => {
  await activateBenchEngine('wasm', {});
});

describe('baselineSteps', () => {
  it.each(baselineNames)('%s takes steps on both batches and leaves nothing behind', (method) => {
    const before = tf.memory().numTensors;
    const model = dense([6, 5, 3], 'relu', 'softmax-cross-entropy', 4, createRandom(1));
    const weight = model.objective.variables[0]!;
    const start = weight.dataSync();
    const steps = baselineSteps(model, { baseline: 'mlp', method, inverses: true });
    for (let i = 0; i < 2; i++) {
      const loss = steps.step()!;
      expect(loss.dataSync()[0]).toBeGreaterThan(0);
      loss.dispose();
    }
    expect(weight.dataSync()).not.toEqual(start);
    steps.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('without inversions there is one, at the first step', () => {
    // KFAC's intervals are 5 and 20: at step 21 only the one with inversions takes new factors into account.
    const after = (inverses: boolean, count: number): number[] => {
      const model = dense([6, 5, 3], 'relu', 'softmax-cross-entropy', 4, createRandom(1));
      const steps = baselineSteps(model, { baseline: 'mlp', method: 'kfac', inverses });
      for (let i = 0; i < count; i++) steps.step()?.dispose();
      const values = Array.from(model.objective.variables[0]!.dataSync());
      steps.dispose();
      model.dispose();
      return values;
    };
    expect(after(false, 20)).toEqual(after(true, 20));
    expect(after(false, 21)).not.toEqual(after(true, 21));
    expect(baselineNames.filter(hasInverses)).toEqual(['kfac', 'ekfac', 'shampoo']);
    expect(baselineNames.map(inverseInterval).slice(0, 4)).toEqual([20, 20, 10, 1]);
  });
});

describe('LocalMeter', () => {
  it('frees a method when the next one is prepared, and a subject when it is prepared again', async () => {
    const meter = new LocalMeter('wasm');
    const prepare = (method: 'prodigy' | 'hypergradient'): Promise<void> =>
      meter.prepare({ baseline: 'lenet', method, inverses: true });
    const counts: number[] = [];
    for (let i = 0; i < 2; i++) {
      await meter.prepare({ model: 'lenet', rule: 'momentum' });
      await prepare('prodigy');
      counts.push(tf.memory().numTensors);
      await prepare('hypergradient');
      counts.push(tf.memory().numTensors);
    }
    expect(counts.slice(2)).toEqual(counts.slice(0, 2));
    await meter.dispose();
  });

  it('measures a baseline beside momentum on the same network', async () => {
    const before = tf.memory().numTensors;
    const meter = new LocalMeter('wasm');
    const subjects = [
      { model: 'lenet', rule: 'momentum' },
      { baseline: 'lenet', method: 'prodigy', inverses: true },
    ] as const;
    for (const subject of subjects) await meter.prepare(subject);
    for (const subject of subjects) {
      expect((await meter.measure(subject, { steps: 2, seconds: 0 })).steps).toBe(2);
    }
    await meter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
