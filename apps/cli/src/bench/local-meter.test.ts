import { adam, RuleOptimizer } from '@apo/core';
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
  // Σ (inputs · outputs + outputs) over the layers. LeNet: 156 + 2,416 + 48,120 + 10,164 + 850.
  // VGG: 896 + 9,248 + 18,496 + 36,928 + 73,856 + 147,584, then 524,544 + 2,570.
  // ResNet-20: 432 + 13,824 + 51,200 + 204,800 in convolutions, 32 + 192 + 448 + 896 in normalisations, 650.
  // Transformer: 128,000 + 4,096, twice 2·256 + 4·16,512 + 66,048 + 65,664, then 256 + 129,000.
  const parameters = {
    mlp: 1_796_010,
    autoencoder: 2_837_314,
    lenet: 61_706,
    vgg: 814_122,
    resnet20: 272_474,
    // 1,728 + 147,968 + 525,568 + 2,099,712 + 8,393,728 with their normalisations, 128 of the stem's, and 5,130.
    resnet18: 11_173_962,
    transformer: 657_896,
  };

  it.each(benchModelNames)('%s has its number of parameters and leaves nothing behind', (name) => {
    const before = tf.memory().numTensors;
    const model = createBenchModel(name, { batchSize: 2 });
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

  it.each(['vgg', 'resnet20', 'transformer'] as const)(
    'trains %s: its loss falls on batches that repeat, and nothing is left behind',
    (name) => {
      const before = tf.memory().numTensors;
      const { objective, batches, dispose } = createBenchModel(name, { batchSize: 4 });
      const optimizer = new RuleOptimizer(objective, adam({ learningRate: 1e-3 }));
      const losses = Array.from({ length: 4 }, () => {
        const loss = optimizer.step(batches[0], undefined, { returnLoss: true })!;
        const [value] = loss.dataSync();
        loss.dispose();
        return value!;
      });
      expect(losses.at(-1)).toBeLessThan(losses[0]!);
      optimizer.dispose();
      dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it.each(['wasm', 'stock-wasm'] as const)('times products and updates as %s', async (engine) => {
    const before = tf.memory().numTensors;
    const meter = new LocalMeter(engine);
    for (const subject of [
      { product: [3, 5, 7], transposeA: true, transposeB: false },
      { product: [3, 5, 7], transposeA: false, transposeB: true },
      { update: 'lenet', rule: 'adam' },
      // tfjs's own momentum never frees its learning rate.
      ...(engine === 'wasm' ? ([{ update: 'lenet', rule: 'momentum' }] as const) : []),
    ] as const) {
      await meter.prepare(subject);
      expect((await meter.measure(subject, { steps: 2, seconds: 0 })).steps).toBe(2);
    }
    await meter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what was not prepared', async () => {
    await expect(new LocalMeter('wasm').measure({ model: 'mlp', rule: 'adam' }, once)).rejects.toThrow(
      'mlp adam was not prepared',
    );
  });
});
