import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  datasetOf,
  functionalClassifier,
  largestDifference,
  normalTensor,
  oneHotTargets,
  sequentialClassifier,
  twoByTwoModel,
  weightValues,
} from '../../test/layers-models.js';
import type { FitDataset } from '../../test/layers-models.js';
import { adam, attachOptimizer, momentum, RuleOptimizer, sgd } from '../index.js';
import type { Attachment, UpdateRule } from '../index.js';

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

type History = Record<string, (number | tf.Tensor)[]>;

/** A fixed learning rate, so that tfjs's own optimizer with that rate has to give the same training. */
function attachFixed(model: tf.LayersModel, rule: UpdateRule): Attachment {
  return attachOptimizer(model, (objective) => new RuleOptimizer(objective, rule));
}

const recipes: [string, () => tf.Optimizer, () => UpdateRule][] = [
  ['sgd', () => tf.train.sgd(0.2), () => sgd({ learningRate: 0.2 })],
  ['momentum', () => tf.train.momentum(0.05, 0.9), () => momentum({ learningRate: 0.05 })],
  [
    'nesterov',
    () => tf.train.momentum(0.05, 0.9, true),
    () => momentum({ learningRate: 0.05, nesterov: true }),
  ],
  ['adam', () => tf.train.adam(0.02, 0.9, 0.999, 1e-8), () => adam({ learningRate: 0.02 })],
];

/** Trains two copies of a model, one by tfjs and one by an attached rule, and compares histories and all weights. */
async function compare<M extends tf.LayersModel>(
  build: () => M,
  compile: Omit<tf.ModelCompileArgs, 'optimizer'>,
  train: (model: M) => Promise<History | number[]>,
  [, theirs, ours]: (typeof recipes)[number] = recipes[0]!,
): Promise<void> {
  const [plain, attached] = [build(), build()];
  attached.setWeights(plain.getWeights());
  plain.compile({ ...compile, optimizer: theirs() });
  attached.compile({ ...compile, optimizer: tf.train.sgd(1e9) });
  const handle = attachFixed(attached, ours());
  const start = weightValues(plain);
  const [expected, given] = [await train(plain), await train(attached)];
  handle.dispose();
  expect(Object.keys(given)).toEqual(Object.keys(expected));
  expect(
    largestDifference(Object.values(given).map(numbers), Object.values(expected).map(numbers)),
  ).toBeLessThan(2e-5);
  expect(largestDifference(weightValues(attached), weightValues(plain))).toBeLessThan(2e-5);
  expect(largestDifference(weightValues(plain), start)).toBeGreaterThan(1e-3);
}

function numbers(values: unknown): number[] {
  return Array.isArray(values) ? (values as number[]) : [values as number];
}

describe('the same training as tfjs at a fixed rate', () => {
  const classify = { loss: 'categoricalCrossentropy', metrics: ['accuracy', 'categoricalCrossentropy'] };
  const fit =
    (extra: tf.ModelFitArgs = {}) =>
    async (model: tf.LayersModel): Promise<History> => {
      const [x, y] = [normalTensor([22, 4], 1), oneHotTargets(22, 3, 2)];
      const { history } = await model.fit(x, y, {
        batchSize: 8,
        epochs: 3,
        shuffle: false,
        ...extra,
      });
      tf.dispose([x, y]);
      return history;
    };

  it.each(recipes)('in fit, with BatchNorm, dropout and a short last batch: %s', async (...recipe) => {
    await compare(sequentialClassifier, classify, fit(), recipe);
    await compare(functionalClassifier, classify, fit(), recipe);
  });

  it('with validation data, a split, and class weights', async () => {
    const validation: [tf.Tensor, tf.Tensor] = [normalTensor([10, 4], 5), oneHotTargets(10, 3, 6)];
    await compare(sequentialClassifier, classify, fit({ validationData: validation }));
    await compare(functionalClassifier, classify, fit({ validationSplit: 0.3 }));
    await compare(sequentialClassifier, classify, fit({ classWeight: { 0: 0.2, 1: 3, 2: 1 } }));
  });

  it('with early stopping', async () => {
    const stopped = async (model: tf.LayersModel): Promise<History> => {
      const history = await fit({
        epochs: 30,
        callbacks: tf.callbacks.earlyStopping({ monitor: 'loss', patience: 0, minDelta: 0.05 }),
      })(model);
      expect(history['loss']!.length).toBeLessThan(30);
      return history;
    };
    await compare(sequentialClassifier, classify, stopped);
  });

  const several = {
    loss: { kind: 'categoricalCrossentropy', size: 'meanSquaredError' },
    metrics: { kind: 'accuracy', size: 'mae' },
  };

  it('with several inputs and outputs, a regularizer, and class weights on one output', async () => {
    const train =
      (extra: tf.ModelFitArgs) =>
      async (model: tf.LayersModel): Promise<History> => {
        const x = [normalTensor([22, 4], 1), normalTensor([22, 2], 2)];
        const y = [oneHotTargets(22, 3, 3), normalTensor([22, 2], 4)];
        const options = { batchSize: 8, epochs: 2, shuffle: false, ...extra };
        return (await model.fit(x, y, options)).history;
      };
    await compare(twoByTwoModel, several, train({}));
    await compare(twoByTwoModel, several, train({ classWeight: { kind: { 0: 0.2, 1: 3, 2: 1 } } }));
  });

  it('in fitDataset, with validation and class weights', async () => {
    const dataset = (seed: number): FitDataset =>
      datasetOf(normalTensor([20, 4], seed), oneHotTargets(20, 3, seed + 1), 8);
    await compare(sequentialClassifier, classify, async (model) => {
      const { history } = await model.fitDataset(dataset(100), {
        epochs: 2,
        validationData: dataset(200),
        classWeight: { 0: 0.2, 1: 3, 2: 1 },
      });
      return history;
    });
  });

  it('in fitDataset, with several inputs and outputs by name', async () => {
    const train = async (model: tf.LayersModel): Promise<History> => {
      const [first, second] = model.inputNames as [string, string];
      const tensors = [
        normalTensor([20, 4], 1),
        normalTensor([20, 2], 2),
        oneHotTargets(20, 3, 3),
        normalTensor([20, 2], 4),
      ];
      const [a, b, kind, size] = tensors.map((tensor) => tensor.arraySync() as number[][]);
      const examples = a!.map((row, i) => ({
        xs: { [first]: row, [second]: b![i]! },
        ys: { kind: kind![i]!, size: size![i]! },
      }));
      const dataset: unknown = tf.data.array(examples).batch(8);
      return (await model.fitDataset(dataset as FitDataset, { epochs: 2 })).history;
    };
    await compare(twoByTwoModel, several, train);
  });

  it('in trainOnBatch', async () => {
    const train = async (model: tf.LayersModel): Promise<number[]> => {
      const results: number[] = [];
      for (let step = 0; step < 4; step++) {
        const [x, y] = [normalTensor([6, 4], step), oneHotTargets(6, 3, 10 + step)];
        results.push(...numbers(await model.trainOnBatch(x, y)));
      }
      expect(results).toHaveLength(12);
      return results;
    };
    await compare(sequentialClassifier, classify, train);
    await compare(functionalClassifier, classify, train);
  });
});
