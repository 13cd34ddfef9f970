import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { dense, largestDifference, normalTensor, weightValues } from '../../test/layers-models.js';
import { attachOptimizer, RuleOptimizer, sgd } from '../index.js';
import type { LayersBatch, Objective, OpenStep } from '../index.js';

/** Plain SGD whose every step stays open, and notes how it ended. */
class Late extends RuleOptimizer<LayersBatch> {
  readonly ends: string[] = [];

  constructor(objective: Objective<LayersBatch>) {
    super(objective, sgd({ learningRate: 0.1 }));
  }

  openStep(batch: LayersBatch): OpenStep {
    const end = (how: string): void => {
      this.ends.push(how);
      if (how !== 'discard') this.step(batch);
    };
    return {
      loss: tf.tidy(() => this.objective.loss(this.objective.predict(batch, false), batch)),
      isComplete: false,
      finish: async () => {
        await Promise.resolve();
        end('finish');
      },
      finishNow: () => end('finishNow'),
      discard: () => end('discard'),
    };
  }
}

function setUp(): { model: tf.Sequential; x: tf.Tensor; y: tf.Tensor } {
  const model = tf.sequential({ layers: [dense({ units: 1, inputShape: [2], seed: 1 })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  return { model, x: normalTensor([6, 2], 1), y: normalTensor([6, 1], 2) };
}

/** A callback that ends a training. */
function breakingAt(moment: 'onBatchBegin' | 'onBatchEnd'): tf.CustomCallbackArgs {
  return {
    [moment]: () => {
      throw new Error('enough');
    },
  };
}

const twoBatches = { batchSize: 3, epochs: 2, shuffle: false } as const;

describe('waitForSteps', () => {
  it('finishes each step at the end of its batch, before a validation where that comes first', async () => {
    const reference = setUp();
    const expected = await reference.model.fit(reference.x, reference.y, {
      ...twoBatches,
      validationData: [reference.x, reference.y],
    });
    const { model, x, y } = setUp();
    const attachment = attachOptimizer(model, (objective) => new Late(objective));
    const { history } = await model.fit(x, y, {
      ...twoBatches,
      validationData: [x, y],
      callbacks: attachment.waitForSteps(),
    });
    expect(attachment.optimizer.ends).toEqual(['finish', 'finishNow', 'finish', 'finishNow']);
    // tfjs's own SGD with the same rate.
    for (const [name, values] of Object.entries(expected.history))
      values.forEach((value, i) => expect(history[name]![i]).toBeCloseTo(value as number, 5));
    expect(largestDifference(weightValues(model), weightValues(reference.model))).toBeLessThan(1e-5);
    attachment.dispose();
  });

  it('is needed for a step to stay open, and each batch anew', async () => {
    const { model, x, y } = setUp();
    const attachment = attachOptimizer(model, (objective) => new Late(objective));
    await model.fit(x, y, twoBatches);
    await model.fit(x, y, { ...twoBatches, callbacks: attachment.waitForSteps() });
    await model.trainOnBatch(x, y);
    expect(attachment.optimizer.ends).toEqual(['finish', 'finish', 'finish', 'finish']);
    expect(attachment.optimizer.steps).toBe(9);
    attachment.dispose();
  });

  it('leaves no batch behind, finished or given up', async () => {
    const { model, x, y } = setUp();
    const attachment = attachOptimizer(model, (objective) => new Late(objective), {
      keepPreviousBatch: false,
    });
    const callbacks = attachment.waitForSteps();
    await model.fit(x, y, { ...twoBatches, callbacks });
    const before = tf.memory().numTensors;
    await model.fit(x, y, { ...twoBatches, callbacks });
    expect(tf.memory().numTensors).toBe(before);
    // A `fit` that breaks off before the end of a batch leaves a step open, and with it the batch; tfjs leaves its logs.
    const leftBy = async (awaits: boolean): Promise<number> => {
      const tensors = tf.memory().numTensors;
      const list = [breakingAt('onBatchEnd'), ...(awaits ? [callbacks] : [])];
      await expect(model.fit(x, y, { ...twoBatches, callbacks: list })).rejects.toThrow('enough');
      return tf.memory().numTensors - tensors;
    };
    const logs = await leftBy(false);
    const left = await leftBy(true);
    // Inputs and targets.
    expect(left).toBe(logs + 2);
    attachment.detach();
    expect(attachment.optimizer.ends.at(-1)).toBe('discard');
    expect(tf.memory().numTensors).toBe(before + 2 * logs);
    attachment.dispose();
  });

  it.each([
    ['trainOnBatch', (model: tf.Sequential, x: tf.Tensor, y: tf.Tensor) => model.trainOnBatch(x, y)],
    [
      'fit without the callback',
      (model: tf.Sequential, x: tf.Tensor, y: tf.Tensor) => model.fit(x, y, { batchSize: 6, epochs: 1 }),
    ],
  ])('awaits nothing in %s after a fit that broke off before a step', async (_, train) => {
    const { model, x, y } = setUp();
    const attachment = attachOptimizer(model, (objective) => new Late(objective));
    const callbacks = [attachment.waitForSteps(), breakingAt('onBatchBegin')];
    await expect(model.fit(x, y, { ...twoBatches, callbacks })).rejects.toThrow('enough');
    await train(model, x, y);
    expect(attachment.optimizer.steps).toBe(1);
    await train(model, x, y);
    expect(attachment.optimizer.steps).toBe(2);
    expect(attachment.optimizer.ends).toEqual([]);
    attachment.dispose();
  });
});
