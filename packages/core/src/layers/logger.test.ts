import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { datasetOf, normalTensor, oneHotTargets, sequentialClassifier } from '../../test/layers-models.js';
import { apoLogger, attachApo, attachOptimizer, RuleOptimizer, sgd } from '../index.js';
import type { ApoLoggerSource, MetaStepStatistics } from '../index.js';

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

function compiled(): tf.Sequential {
  const model = sequentialClassifier();
  model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
  return model;
}

const data = (): [tf.Tensor, tf.Tensor] => [normalTensor([24, 4], 1), oneHotTargets(24, 3, 2)];
const twoEpochs = { batchSize: 8, epochs: 2, shuffle: false };

/** Keeps a copy of the logs as a callback after the logger sees them. */
function recorder(): { args: tf.CustomCallbackArgs; batches: tf.Logs[]; epochs: tf.Logs[] } {
  const [batches, epochs]: [tf.Logs[], tf.Logs[]] = [[], []];
  const args: tf.CustomCallbackArgs = {
    onBatchEnd: (_, logs) => {
      batches.push({ ...logs });
    },
    onEpochEnd: (_, logs) => {
      epochs.push({ ...logs });
    },
  };
  return { args, batches, epochs };
}

/** A source whose numbers are known. */
function source(
  rates: Record<string, number>,
): ApoLoggerSource & { tell(step: number): void; listeners: number } {
  const listeners = new Set<(statistics: MetaStepStatistics) => void>();
  return {
    learningRates: () => Promise.resolve(rates),
    flush: () => Promise.resolve(),
    onMetaStep(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(step) {
      const rest = { metaGradientNorm: 1, accepted: true, learningRates: rates };
      for (const listener of listeners) listener({ step, q: 6, loss: 3, fsd: 2, wsd: 1, ...rest });
    },
    get listeners() {
      return listeners.size;
    },
  };
}

describe('in fit', () => {
  it('shows the rate and Q to later callbacks and to the history', async () => {
    const model = compiled();
    const apo = attachApo(model, sgd());
    const heard: MetaStepStatistics[] = [];
    apo.onMetaStep((statistics) => heard.push(statistics));
    const logger = apoLogger(apo);
    const { args, batches, epochs } = recorder();
    const { history } = await model.fit(...data(), { ...twoEpochs, callbacks: [logger, args] });
    expect(heard).toHaveLength(6);
    expect(batches.map(({ q, qLoss, qFsd, qWsd }) => [q, qLoss, qFsd, qWsd])).toEqual(
      heard.map(({ q, loss, fsd, wsd }) => [q, loss, fsd, wsd]),
    );
    // float32 exp on the device against float64 exp of the same float32 log η
    batches.forEach(({ learningRate }, i) => {
      expect(learningRate! / heard[i]!.learningRates['all']!).toBeCloseTo(1, 6);
    });
    expect(batches.every(({ loss, batch }) => Number.isFinite(loss) && Number.isInteger(batch))).toBe(true);
    expect(Object.keys(history)).toEqual(['loss', 'learningRate', 'q', 'qLoss', 'qFsd', 'qWsd']);
    expect(history['learningRate']).toEqual(epochs.map(({ learningRate }) => learningRate));
    expect(epochs[0]!['learningRate']).toBe(batches[2]!['learningRate']);
    expect(history['q']).toEqual(epochs.map(({ q }) => q));
    expect(logger.history.map(({ epoch, batch }) => [epoch, batch])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [0, undefined],
      [1, 0],
      [1, 1],
      [1, 2],
      [1, undefined],
    ]);
    expect(logger.history.at(-1)!.metaStep).toEqual(heard[5]);
    apo.dispose();
  });

  it('alone, and behind a tf.Callback', async () => {
    for (const callbacks of [
      (logger: ReturnType<typeof apoLogger>) => logger,
      (logger: ReturnType<typeof apoLogger>) =>
        [tf.callbacks.earlyStopping({ monitor: 'loss', patience: 9 }), logger] as tf.CustomCallbackArgs[],
    ]) {
      const model = compiled();
      const apo = attachApo(model, sgd());
      const logger = apoLogger(apo, { every: 'epoch' });
      const { history } = await model.fit(...data(), { ...twoEpochs, callbacks: callbacks(logger) });
      expect(logger.history.map(({ epoch, batch }) => [epoch, batch])).toEqual([
        [0, undefined],
        [1, undefined],
      ]);
      expect(history['learningRate']).toEqual(
        logger.history.map(({ learningRates }) => learningRates['all']),
      );
      apo.dispose();
    }
  });

  it('in fitDataset', async () => {
    const model = compiled();
    const apo = attachApo(model, sgd());
    const [x, y] = data();
    const { args, batches } = recorder();
    await model.fitDataset(datasetOf(x, y, 8), { epochs: 1, callbacks: [apoLogger(apo), args] });
    expect(batches.map(({ learningRate }) => learningRate! > 0)).toEqual([true, true, true]);
    apo.dispose();
  });

  it('of a fixed rate shows the rate alone', async () => {
    const model = compiled();
    const handle = attachOptimizer(
      model,
      (objective) => new RuleOptimizer(objective, sgd({ learningRate: 0.25 })),
    );
    const { history } = await model.fit(...data(), { ...twoEpochs, callbacks: apoLogger(handle) });
    expect(Object.keys(history)).toEqual(['loss', 'learningRate']);
    (history['learningRate'] as number[]).forEach((rate) => expect(rate).toBeCloseTo(0.25, 6));
    handle.dispose();
  });

  it('leaves no tensor behind', async () => {
    const model = compiled();
    const [x, y] = data();
    const before = tf.memory().numTensors;
    const apo = attachApo(model, sgd());
    const logger = apoLogger(apo.optimizer);
    await model.fit(x, y, { ...twoEpochs, callbacks: logger });
    expect(logger.history).toHaveLength(8);
    apo.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the logs', () => {
  it('hold the geometric mean and each rate of several groups', async () => {
    const logger = apoLogger(source({ kernel: 0.01, bias: 1 }));
    const logs: Record<string, number> = {};
    await logger.onEpochEnd(0, logs);
    // √(0.01 · 1) = 0.1
    expect(logs['learningRate']).toBeCloseTo(0.1, 12);
    expect(logs).toMatchObject({ learningRate_kernel: 0.01, learningRate_bias: 1 });
    expect('q' in logs).toBe(false);
  });

  it('have the terms of the latest meta-step', async () => {
    const from = source({ all: 0.5 });
    const logger = apoLogger(from);
    logger.onTrainBegin();
    from.tell(1);
    const logs: Record<string, number> = {};
    await logger.onBatchEnd(0, logs);
    expect(logs).toEqual({ learningRate: 0.5, q: 6, qLoss: 3, qFsd: 2, qWsd: 1 });
  });

  it('are read only between the beginning and the end of a training', () => {
    const from = source({ all: 0.5 });
    const logger = apoLogger(from);
    expect(from.listeners).toBe(0);
    logger.onTrainBegin();
    logger.onTrainBegin();
    expect(from.listeners).toBe(1);
    logger.onTrainEnd();
    expect(from.listeners).toBe(0);
  });

  it('come from something that has them', () => {
    expect(() => apoLogger({} as ApoLoggerSource)).toThrow(/without learningRates, onMetaStep, flush/);
    expect(() => apoLogger(undefined as unknown as ApoLoggerSource)).toThrow(/pass an optimizer/);
    expect(() => apoLogger(source({}), { every: 'step' as 'batch' })).toThrow(/every is step/);
  });
});
