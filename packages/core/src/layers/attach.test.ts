import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  datasetOf,
  functionalClassifier,
  normalTensor,
  oneHotTargets,
  sequentialClassifier,
  twoByTwoModel,
  weightValues,
} from '../../test/layers-models.js';
import { adam, attachApo, momentum, rmsprop, sgd } from '../index.js';
import type { MetaStepStatistics, UpdateRule } from '../index.js';

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

const rules: [string, () => UpdateRule][] = [
  ['sgd', () => sgd({ learningRate: 1e-6 })],
  ['momentum', () => momentum({ learningRate: 1e-6 })],
  ['rmsprop', () => rmsprop({ learningRate: 1e-6 })],
  ['adam', () => adam({ learningRate: 1e-6 })],
];

/** Points whose class is the sign pattern of two coordinates: learnable, so that a useful rate lowers the loss. */
function separable(count: number, seed: number): [tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    const x = normalTensor([count, 4], seed);
    const best = tf.argMax(tf.slice(x, [0, 0], [count, 3]), 1);
    return [x, tf.cast(tf.oneHot(best, 3), 'float32')] as [tf.Tensor, tf.Tensor];
  });
}

function compiledClassifier(): tf.Sequential {
  const model = sequentialClassifier();
  model.compile({ optimizer: tf.train.sgd(1e-6), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

describe('attachApo', () => {
  it.each(rules)(
    'lowers the loss from a useless initial rate, where the rate itself does not: %s',
    async (_, rule) => {
      const [x, y] = separable(96, 1);
      const options = { batchSize: 16, epochs: 8, shuffle: false };
      const plain = (await compiledClassifier().fit(x, y, options)).history['loss'] as number[];
      expect(plain.at(-1)! / plain[0]!).toBeGreaterThan(0.98);
      const model = compiledClassifier();
      const apo = attachApo(model, rule());
      const { history } = await model.fit(x, y, options);
      const losses = history['loss'] as number[];
      expect(Object.keys(history)).toEqual(['loss', 'acc']);
      expect(losses.at(-1)! / losses[0]!).toBeLessThan(0.8);
      expect((await apo.learningRates())['all']).toBeGreaterThan(1e-4);
      expect((await apo.optimizer.statistics()).steps).toBe(48);
      apo.dispose();
    },
  );

  it('reports the same first loss and metrics as plain tfjs: those before the step', async () => {
    const [x, y] = [
      [normalTensor([8, 4], 1), normalTensor([8, 2], 2)],
      [oneHotTargets(8, 3, 3), normalTensor([8, 2], 4)],
    ];
    const [plain, attached] = [twoByTwoModel(), twoByTwoModel()];
    const compile = {
      optimizer: 'sgd',
      loss: ['categoricalCrossentropy', 'meanSquaredError'],
      metrics: ['mae'],
    };
    plain.compile(compile);
    attached.compile(compile);
    const apo = attachApo(attached, sgd());
    const [expected, given] = [
      (await plain.trainOnBatch(x, y)) as number[],
      (await attached.trainOnBatch(x, y)) as number[],
    ];
    // total, kind_loss, size_loss, kind_mae, size_mae
    expect(given).toHaveLength(5);
    given.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    apo.dispose();
  });

  it('moves the BatchNorm averages once per step, meta-steps or not', async () => {
    // With the rate pinned at (almost) zero the weights stay, so that the averages must follow plain tfjs exactly.
    const [x, y] = separable(64, 2);
    const options = { batchSize: 16, epochs: 1, shuffle: false };
    const plain = functionalClassifier();
    plain.compile({ optimizer: tf.train.sgd(0), loss: 'categoricalCrossentropy' });
    await plain.fit(x, y, options);
    const model = functionalClassifier();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const apo = attachApo(model, sgd({ learningRate: 1e-20 }), { preset: 'paper', interval: 1 });
    await model.fit(x, y, options);
    expect((await apo.optimizer.statistics()).metaSteps).toBe(4);
    const averages = (m: tf.LayersModel): number[][] => weightValues(m).slice(-2);
    averages(model).forEach((values, i) =>
      values.forEach((value, j) => expect(value).toBeCloseTo(averages(plain)[i]![j]!, 6)),
    );
    apo.dispose();
  });

  it('passes its options on: interval, λ, B′ and ρ', async () => {
    const [x, y] = separable(32, 3);
    const options = { batchSize: 8, epochs: 1, shuffle: false };
    const terms = async (extra: Parameters<typeof attachApo>[2]): Promise<MetaStepStatistics[]> => {
      const model = functionalClassifier();
      model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
      const apo = attachApo(model, sgd({ learningRate: 0.1 }), { preset: 'paper', ...extra });
      const heard: MetaStepStatistics[] = [];
      apo.onMetaStep((statistics) => heard.push(statistics));
      await model.fit(x, y, options);
      await apo.flush();
      apo.dispose();
      return heard;
    };
    expect((await terms({ interval: 2 })).map(({ step }) => step)).toEqual([1, 3]);
    const [other, same, without, user] = [
      await terms({ interval: 1 }),
      await terms({ interval: 1, fsdBatch: 'same' }),
      await terms({ interval: 1, lambdaFsd: 0 }),
      await terms({ interval: 1, lambdaFsd: 2, divergence: () => tf.scalar(3) }),
    ];
    // The first B′ is the batch itself; from the second step on it is another one.
    expect(other[0]!.fsd).toBeCloseTo(same[0]!.fsd, 6);
    expect(other[1]!.fsd).not.toBeCloseTo(same[1]!.fsd, 6);
    expect(without.map(({ fsd }) => fsd)).toEqual([0, 0, 0, 0]);
    expect(user.map(({ fsd }) => fsd)).toEqual([6, 6, 6, 6]);
  });

  it('keeps listeners and φ through a compile that freezes a layer', async () => {
    const [x, y] = separable(32, 4);
    const options = { batchSize: 8, epochs: 1, shuffle: false };
    const model = compiledClassifier();
    const apo = attachApo(model, sgd({ learningRate: 1e-6 }));
    const steps: number[] = [];
    const stop = apo.onMetaStep(({ step }) => steps.push(step));
    await model.fit(x, y, options);
    const before = (await apo.learningRates())['all']!;
    model.layers[0]!.trainable = false;
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    let after = 0;
    await model.fit(x, y, {
      ...options,
      callbacks: {
        onTrainBegin: async () => {
          after = (await apo.learningRates())['all']!;
        },
      },
    });
    await apo.flush();
    expect(after).toBe(before);
    expect(apo.objective.variables).toHaveLength(4);
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    stop();
    await model.fit(x, y, options);
    await apo.flush();
    expect(steps).toHaveLength(8);
    apo.dispose();
  });

  it.each([
    ['fit', 0],
    ['fitDataset', 1],
    ['trainOnBatch', 2],
  ] as const)('leaves no tensor behind, however many epochs: %s', async (_, way) => {
    const [x, y] = separable(40, 5);
    const model = compiledClassifier();
    // tfjs keeps what a plain epoch leaves behind (nothing); so the first measurement is after the attachment is warm.
    const epochs = async (count: number): Promise<void> => {
      if (way === 0) await model.fit(x, y, { batchSize: 16, epochs: count, validationSplit: 0.2 });
      if (way === 1) await model.fitDataset(datasetOf(x, y, 16), { epochs: count });
      if (way === 2) for (let i = 0; i < count; i++) await model.trainOnBatch(x, y);
    };
    const before = tf.memory().numTensors;
    const apo = attachApo(model, momentum({ learningRate: 1e-3 }), { interval: 2 });
    await epochs(1);
    const warm = tf.memory().numTensors;
    await epochs(3);
    expect(tf.memory().numTensors).toBe(warm);
    apo.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives the same bits for the same seeds', async () => {
    const train = async (): Promise<number[][]> => {
      const [x, y] = separable(40, 6);
      const model = compiledClassifier();
      const apo = attachApo(model, adam(), { seed: 3 });
      await model.fit(x, y, { batchSize: 16, epochs: 2, shuffle: false });
      apo.dispose();
      return weightValues(model);
    };
    expect(await train()).toEqual(await train());
  });

  it('leaves the model alone when an option is wrong', async () => {
    const model = compiledClassifier();
    expect(() => attachApo(model, sgd(), { interval: 0 })).toThrow(/interval is 0/);
    const apo = attachApo(model, sgd());
    apo.dispose();
  });
});
