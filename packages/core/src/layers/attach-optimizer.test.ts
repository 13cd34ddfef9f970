import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  dense,
  functionalClassifier,
  normalTensor,
  oneHotTargets,
  sequentialClassifier,
  weightValues,
} from '../../test/layers-models.js';
import { adam, attachOptimizer, momentum, RuleOptimizer, sgd } from '../index.js';
import type { Attachment, LayersBatch, Objective, Optimizer, UpdateRule } from '../index.js';

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

/** A fixed learning rate, so that tfjs's own optimizer with that rate has to give the same training. */
function attachFixed(model: tf.LayersModel, rule: UpdateRule): Attachment {
  return attachOptimizer(model, (objective) => new RuleOptimizer(objective, rule));
}

describe('the batches that the optimizer sees', () => {
  interface Seen {
    readonly batch: number[];
    readonly other: number[] | undefined;
  }

  /** Notes the first input element of both batches of each step. */
  function spy(objective: Objective<LayersBatch>, seen: Seen[]): Optimizer<LayersBatch> {
    const inner = new RuleOptimizer(objective, sgd({ learningRate: 0.01 }));
    const values = (batch: unknown): number[] => [...(batch as LayersBatch).inputs[0]!.dataSync()];
    return new Proxy(inner, {
      get(target, name) {
        if (name !== 'step') {
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        }
        return (...[batch, other, options]: Parameters<Optimizer<LayersBatch>['step']>) => {
          seen.push({ batch: values(batch), other: other && values(other) });
          return target.step(batch, other, options);
        };
      },
    });
  }

  const model = (): tf.Sequential => {
    const made = tf.sequential({ layers: [dense({ units: 1, inputShape: [1], seed: 1 })] });
    made.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return made;
  };
  const x = (): tf.Tensor2D => tf.tensor2d([[1], [2], [3], [4], [5]]);

  it('are the current and the previous one', async () => {
    const seen: Seen[] = [];
    const trained = model();
    const handle = attachOptimizer(trained, (objective) => spy(objective, seen));
    await trained.fit(x(), x(), { batchSize: 2, epochs: 2, shuffle: false });
    expect(seen).toEqual([
      { batch: [1, 2], other: undefined },
      { batch: [3, 4], other: [1, 2] },
      { batch: [5], other: [3, 4] },
      { batch: [1, 2], other: [5] },
      { batch: [3, 4], other: [1, 2] },
      { batch: [5], other: [3, 4] },
    ]);
    handle.dispose();
  });

  it('are the current one alone when the previous is not wanted', async () => {
    const seen: Seen[] = [];
    const trained = model();
    const handle = attachOptimizer(trained, (objective) => spy(objective, seen), {
      keepPreviousBatch: false,
    });
    await trained.fit(x(), x(), { batchSize: 2, epochs: 1, shuffle: false });
    expect(seen.map(({ other }) => other)).toEqual([undefined, undefined, undefined]);
    handle.dispose();
  });
});

describe('compile after attaching', () => {
  const data = (): [tf.Tensor, tf.Tensor] => [normalTensor([12, 4], 1), oneHotTargets(12, 3, 2)];
  const once = { batchSize: 12, epochs: 1, shuffle: false };

  it.each([
    ['sequential', sequentialClassifier],
    ['functional', functionalClassifier],
  ] as const)(
    'keeps the optimizer and its state, and takes the new loss and metrics: %s',
    async (_, build) => {
      const model: tf.LayersModel = build();
      model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
      const handle = attachFixed(model, adam());
      await model.fit(...data(), once);
      const { optimizer } = handle;
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
      const { history } = await model.fit(...data(), once);
      expect(handle.optimizer).toBe(optimizer);
      expect(optimizer.steps).toBe(2);
      expect(Object.keys(history)).toEqual(['loss', 'mae']);
      // mean over the elements of (p − t)², |p − t|: both in (0, 1), and the square is the smaller
      expect(history['loss']![0]).toBeLessThan(history['mae']![0] as number);
      handle.dispose();
    },
  );

  it('makes a new optimizer when other variables are trainable, and hands over what stays', async () => {
    const model = sequentialClassifier();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const handle = attachFixed(model, momentum({ learningRate: 0.05 }));
    await model.fit(...data(), once);
    const first = handle.optimizer;
    const last = first.objective.variables.at(-1)!.name;
    const velocity = `rule/state/velocity/${last}`;
    const expected = [...first.state().tensors[velocity]!.dataSync()];
    model.layers[0]!.trainable = false;
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const kernel = (): number[] => [...model.layers[0]!.getWeights()[0]!.dataSync()];
    const frozen = kernel();
    let handedOver: number[] = [];
    await model.fit(...data(), {
      ...once,
      callbacks: {
        onBatchBegin: () => {
          handedOver = [...handle.optimizer.state().tensors[velocity]!.dataSync()];
        },
      },
    });
    expect(handle.optimizer).not.toBe(first);
    expect(handle.objective.variables).toHaveLength(4);
    expect(handle.optimizer.steps).toBe(2);
    expect(handedOver).toEqual(expected);
    expect(kernel()).toEqual(frozen);
    handle.dispose();
  });
});

describe('layers added to a Sequential', () => {
  it('are trained after the next compile, with the state of the others kept', async () => {
    const model = tf.sequential({ layers: [dense({ units: 3, inputShape: [4], seed: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [x, y] = [normalTensor([12, 4], 1), normalTensor([12, 3], 2)];
    const handle = attachFixed(model, adam({ learningRate: 0.1 }));
    await model.trainOnBatch(x, y);
    model.add(dense({ units: 3, seed: 2 }));
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = weightValues(model);
    await model.trainOnBatch(x, y);
    expect(handle.objective.variables).toHaveLength(4);
    expect(handle.optimizer.steps).toBe(2);
    // Adam moves every weight with a gradient
    weightValues(model).forEach((values, i) => expect(values).not.toEqual(before[i]));
    handle.dispose();
  });
});

describe('detaching', () => {
  it.each([
    ['sequential', sequentialClassifier],
    ['functional', functionalClassifier],
  ] as const)('gives the model its compiled optimizer back: %s', async (_, build) => {
    const model: tf.LayersModel = build();
    model.compile({ optimizer: tf.train.sgd(0), loss: 'categoricalCrossentropy' });
    const [x, y] = [normalTensor([12, 4], 1), oneHotTargets(12, 3, 2)];
    const handle = attachFixed(model, sgd({ learningRate: 0.1 }));
    await model.trainOnBatch(x, y);
    const kernel = weightValues(model)[0];
    handle.detach();
    handle.detach();
    await model.trainOnBatch(x, y);
    expect(handle.optimizer.steps).toBe(1);
    expect(weightValues(model)[0]).toEqual(kernel);
    model.compile({ optimizer: tf.train.sgd(0), loss: 'categoricalCrossentropy' });
    await model.trainOnBatch(x, y);
    expect(handle.optimizer.steps).toBe(1);
    // and it can be attached again, with the optimizer it had
    const again = attachOptimizer(model, () => handle.optimizer);
    await model.trainOnBatch(x, y);
    expect(again.optimizer.steps).toBe(2);
    again.dispose();
  });
});

describe('detaching while fit is running', () => {
  it('leaves the rest of the training to the compiled optimizer', async () => {
    const model = sequentialClassifier();
    model.compile({ optimizer: tf.train.sgd(0), loss: 'categoricalCrossentropy' });
    const [x, y] = [normalTensor([12, 4], 1), oneHotTargets(12, 3, 2)];
    const before = tf.memory().numTensors;
    const handle = attachFixed(model, sgd({ learningRate: 0.1 }));
    const kernels: number[][] = [];
    await model.fit(x, y, {
      batchSize: 6,
      epochs: 3,
      callbacks: {
        onEpochEnd: (epoch) => {
          kernels.push(weightValues(model)[0]!);
          if (epoch === 0) handle.dispose();
        },
      },
    });
    expect(kernels).toHaveLength(3);
    expect(kernels[2]).toEqual(kernels[0]);
    expect(handle.optimizer.steps).toBe(2);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('what is refused', () => {
  it('a second attachment, and a model that is not compiled', () => {
    const model = sequentialClassifier();
    expect(() => attachFixed(model, sgd())).toThrow(/not compiled/);
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const handle = attachFixed(model, sgd());
    expect(() => attachFixed(model, sgd())).toThrow(/already attached/);
    handle.dispose();
    attachFixed(model, sgd()).dispose();
  });

  it('a failing metric, without leaving tensors behind', async () => {
    const model = sequentialClassifier();
    const broken = (): tf.Tensor => {
      throw new Error('no such metric');
    };
    const fine = (t: tf.Tensor, o: tf.Tensor): tf.Tensor => tf.mean(tf.abs(tf.sub(t, o)));
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: [fine, broken] });
    const [x, y] = [normalTensor([12, 4], 1), oneHotTargets(12, 3, 2)];
    const before = tf.memory().numTensors;
    const handle = attachFixed(model, sgd());
    await expect(model.trainOnBatch(x, y)).rejects.toThrow('no such metric');
    handle.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a Sequential that cannot be compiled, and stays attached for the next compile', async () => {
    const model = sequentialClassifier();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const handle = attachFixed(model, sgd());
    expect(() => model.compile({ optimizer: 'sgd', loss: 'nonsense' })).toThrow(/nonsense/);
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    await model.trainOnBatch(normalTensor([12, 4], 1), oneHotTargets(12, 3, 2));
    expect(handle.optimizer.steps).toBe(1);
    handle.dispose();
  });
});
