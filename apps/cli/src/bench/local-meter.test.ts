import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBenchEngine } from './activate.js';
import { LocalMeter } from './local-meter.js';
import { benchModelNames, createBenchModel } from './models.js';

const once = { steps: 1, seconds: 0 };

beforeAll(async () => {
  await activateBenchEngine('wasm', {});
});

describe('createBenchModel', () => {
  // Σ (inputs · outputs + outputs) over the layers; LeNet: 156 + 2,416 + 48,120 + 10,164 + 850.
  const parameters = { mlp: 1_796_010, autoencoder: 2_837_314, lenet: 61_706 };

  it.each(benchModelNames)('%s has its number of parameters and leaves nothing behind', (name) => {
    const before = tf.memory().numTensors;
    const model = createBenchModel(name);
    const sizes = model.objective.variables.map((variable) => variable.size);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(parameters[name]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('LocalMeter', () => {
  it('times steps of our optimizers in whole multiples, and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const meter = new LocalMeter('wasm');
    const subject = { model: 'lenet', rule: 'momentum' } as const;
    await meter.prepare(subject);
    const { steps, seconds } = await meter.measure(subject, { steps: 3, seconds: 0 });
    expect(steps).toBe(3);
    expect(seconds).toBeGreaterThan(0);
    const adapted = { ...subject, meta: { preset: 'auto', interval: 2 } } as const;
    await meter.prepare(adapted);
    expect((await meter.measure(adapted, { steps: 2, seconds: 0 })).steps).toBe(2);
    await meter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("trains with tfjs's own optimizer as stock, and has no meta-steps there", async () => {
    const before = tf.memory().numTensors;
    const meter = new LocalMeter('stock-wasm');
    const subject = { model: 'lenet', rule: 'adam' } as const;
    await meter.prepare(subject);
    expect((await meter.measure(subject, once)).steps).toBe(1);
    await expect(meter.prepare({ ...subject, meta: { preset: 'paper', interval: 10 } })).rejects.toThrow(
      'no meta-steps',
    );
    await meter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what was not prepared', async () => {
    await expect(new LocalMeter('wasm').measure({ model: 'mlp', rule: 'adam' }, once)).rejects.toThrow(
      'mlp adam was not prepared',
    );
  });
});
