import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  classIndices,
  dense,
  functionalClassifier,
  normalTensor,
  oneHotTargets,
  sequentialClassifier,
  twoByTwoModel,
  weightValues,
} from '../../test/layers-models.js';
import { fromLayersModel } from '../index.js';
import type { LayersBatch, Objective } from '../index.js';

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

/** J_B in training mode, as a number. */
function lossOf(objective: Objective<LayersBatch>, batch: LayersBatch): number {
  return tf.tidy(() => {
    const data = objective.loss(objective.predict(batch, true), batch);
    return (objective.regularizer ? tf.add(data, objective.regularizer()) : data).dataSync()[0]!;
  });
}

/** The loss that tfjs's own train function reports; a learning rate of 0 leaves the weights alone. */
async function tfjsLoss(
  model: tf.LayersModel,
  x: tf.Tensor | tf.Tensor[],
  y: tf.Tensor | tf.Tensor[],
): Promise<number> {
  const values = await model.trainOnBatch(x, y);
  return Array.isArray(values) ? values[0]! : values;
}

describe('the loss', () => {
  const hinge = (targets: tf.Tensor, outputs: tf.Tensor): tf.Tensor =>
    tf.mean(tf.relu(tf.sub(1, tf.mul(targets, outputs))), -1);
  const binary = (): tf.Tensor => tf.cast(tf.greater(normalTensor([8, 3], 12), 0), 'float32');
  const sparse = (): tf.Tensor => tf.tensor2d(classIndices(8, 3, 13), [8, 1]);

  it.each([
    ['meanSquaredError', 'meanSquaredError', 'linear', (): tf.Tensor => normalTensor([8, 3], 11)],
    ['meanAbsoluteError', 'meanAbsoluteError', 'linear', (): tf.Tensor => normalTensor([8, 3], 11)],
    [
      'categoricalCrossentropy',
      'categoricalCrossentropy',
      'softmax',
      (): tf.Tensor => oneHotTargets(8, 3, 13),
    ],
    ['sparseCategoricalCrossentropy', 'sparseCategoricalCrossentropy', 'softmax', sparse],
    ['binaryCrossentropy', 'binaryCrossentropy', 'sigmoid', binary],
    [
      'a function that averages',
      tf.losses.softmaxCrossEntropy,
      'linear',
      (): tf.Tensor => oneHotTargets(8, 3, 13),
    ],
    ['a function per example', hinge, 'linear', (): tf.Tensor => normalTensor([8, 3], 11)],
  ] as const)('equals that of the train function of tfjs: %s', async (_, loss, activation, targets) => {
    const model = tf.sequential({ layers: [dense({ units: 3, activation, inputShape: [4], seed: 1 })] });
    model.compile({ optimizer: tf.train.sgd(0), loss: loss });
    const [x, y] = [normalTensor([8, 4], 10), targets()];
    const ours = lossOf(fromLayersModel(model), { inputs: [x], targets: [y] });
    expect(ours).toBe(await tfjsLoss(model, x, y));
  });

  it('equals it for several inputs and outputs, each with its own loss, and a regularizer', async () => {
    const model = twoByTwoModel();
    model.compile({
      optimizer: tf.train.sgd(0),
      loss: { kind: 'categoricalCrossentropy', size: 'meanSquaredError' },
    });
    const inputs = [normalTensor([8, 4], 20), normalTensor([8, 2], 21)];
    const targets = [oneHotTargets(8, 3, 22), normalTensor([8, 2], 23)];
    const objective = fromLayersModel(model);
    // ridge: 0.02 · Σ w² over the kernel of `kind`
    const kernel = model.getLayer('kind').getWeights()[0]!;
    const ridge = 0.02 * [...kernel.dataSync()].reduce((sum, w) => sum + w * w, 0);
    expect(tf.tidy(() => objective.regularizer!().dataSync()[0])).toBeCloseTo(ridge, 6);
    expect(lossOf(objective, { inputs, targets })).toBeCloseTo(await tfjsLoss(model, inputs, targets), 6);
  });

  it('multiplies per-example losses by the sample weights, then takes the plain mean', () => {
    // f(x) = x, so the errors of [1], [2], [4] on targets 0 are 1, 4, 16; weights 1, 0, 0.5 give (1 + 0 + 8) / 3 = 3.
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones' })],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const batch = {
      inputs: [tf.tensor2d([[1], [2], [4]])],
      targets: [tf.zeros([3, 1])],
      sampleWeights: [tf.tensor1d([1, 0, 0.5])],
    };
    expect(lossOf(fromLayersModel(model), batch)).toBe(3);
  });

  it('sees the losses of a later compile', () => {
    const model = tf.sequential({ layers: [dense({ units: 3, inputShape: [4], seed: 1 })] });
    const batch = { inputs: [normalTensor([8, 4], 10)], targets: [normalTensor([8, 3], 11)] };
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const objective = fromLayersModel(model);
    const squared = lossOf(objective, batch);
    model.compile({ optimizer: 'sgd', loss: 'meanAbsoluteError' });
    const absolute = tf.tidy(
      () =>
        tf
          .mean(tf.abs(tf.sub(model.predict(batch.inputs[0]!) as tf.Tensor, batch.targets[0]!)))
          .dataSync()[0]!,
    );
    expect(lossOf(objective, batch)).toBeCloseTo(absolute, 6);
    expect(lossOf(objective, batch)).not.toBeCloseTo(squared, 3);
  });

  it('has the gradient that tfjs follows', async () => {
    const model = functionalClassifier();
    model.compile({ optimizer: tf.train.sgd(1), loss: 'categoricalCrossentropy' });
    const [x, y] = [normalTensor([8, 4], 30), oneHotTargets(8, 3, 31)];
    const objective = fromLayersModel(model);
    const batch = { inputs: [x], targets: [y] };
    const { grads } = tf.variableGrads(
      () => objective.loss(objective.predict(batch, true), batch),
      [...objective.variables],
    );
    const before = objective.variables.map((variable) => [...variable.dataSync()]);
    await model.trainOnBatch(x, y);
    objective.variables.forEach((variable, i) => {
      const gradient = grads[variable.name]!.dataSync();
      variable.dataSync().forEach((value, j) => expect(before[i]![j]! - value).toBeCloseTo(gradient[j]!, 5));
    });
  });
});

describe('the forward pass', () => {
  it.each([
    ['sequential', sequentialClassifier],
    ['functional', functionalClassifier],
  ] as const)('in training mode drops units and moves the BatchNorm averages: %s', (_, build) => {
    const model: tf.LayersModel = build();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const objective = fromLayersModel(model);
    const batch = { inputs: [normalTensor([64, 4], 40)], targets: [oneHotTargets(64, 3, 41)] };
    const [movingMean] = objective.stateVariables;
    // The hidden layer alone gives the batch mean that the average moves towards: 0 + (1 − 0.9) · mean.
    const [kernel, bias] = model.layers.find((layer) => layer.name.startsWith('dense'))!.getWeights();
    const batchMean = tf.mean(
      tf.tanh(tf.add(tf.matMul(batch.inputs[0]! as tf.Tensor2D, kernel! as tf.Tensor2D), bias!)),
      0,
    );
    const inference = objective.predict(batch, false) as tf.Tensor;
    expect([...movingMean!.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
    const training = objective.predict(batch, true) as tf.Tensor;
    movingMean!
      .dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(0.1 * batchMean.dataSync()[i]!, 5));
    expect(tf.max(tf.abs(tf.sub(inference, training))).dataSync()[0]).toBeGreaterThan(0.01);
  });

  it('drops units at the rate of the layer in training, and none otherwise', () => {
    const model = tf.sequential({
      layers: [tf.layers.dropout({ rate: 0.25, inputShape: [2000] }), dense({ units: 1, seed: 1 })],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const input = tf.input({ shape: [2000] });
    const probe = tf.model({ inputs: input, outputs: model.layers[0]!.apply(input) as tf.SymbolicTensor });
    probe.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    expect(() => fromLayersModel(probe)).toThrow(/no variables/);
    // Through the model: with a kernel of ones the output counts the units that are left, each times 1/(1 − rate).
    model.layers[1]!.setWeights([tf.ones([2000, 1]), tf.zeros([1])]);
    const objective = fromLayersModel(model);
    const batch = { inputs: [tf.ones([1, 2000])], targets: [tf.zeros([1, 1])] };
    expect((objective.predict(batch, false) as tf.Tensor).dataSync()[0]).toBe(2000);
    const kept = (objective.predict(batch, true) as tf.Tensor).dataSync()[0]! * 0.75;
    expect(kept).toBeLessThan(2000);
    // 2000 draws at 0.75: standard deviation 19, so 1500 ± 120 is six of them.
    expect(Math.abs(kept - 1500)).toBeLessThan(120);
  });
});

describe('the variables', () => {
  it('are the trainable weights, each once and by a name of its own; the averages and frozen weights are state', () => {
    const shared = dense({ units: 4, seed: 1 });
    const frozen = dense({ units: 4, seed: 2, trainable: false });
    const input = tf.input({ shape: [4] });
    const twice = shared.apply(shared.apply(input));
    const normed = tf.layers.batchNormalization().apply(frozen.apply(twice));
    const model = tf.model({ inputs: input, outputs: normed as tf.SymbolicTensor });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { variables, stateVariables } = fromLayersModel(model);
    // shared kernel and bias, gamma and beta; frozen kernel and bias, moving mean and variance
    expect(variables.map(({ shape }) => shape)).toEqual([[4, 4], [4], [4], [4]]);
    expect(new Set(variables.map(({ name }) => name)).size).toBe(4);
    expect(stateVariables.map(({ shape }) => shape).sort()).toEqual([[4], [4], [4], [4, 4]]);
    expect(stateVariables.filter((variable) => variables.includes(variable))).toEqual([]);
  });

  it('leave out what was frozen after compile, as tfjs does', () => {
    const model = sequentialClassifier();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    expect(fromLayersModel(model).variables).toHaveLength(6);
    model.layers[0]!.trainable = false;
    expect(fromLayersModel(model).variables).toHaveLength(4);
  });
});

describe('what is refused', () => {
  const small = (): tf.Sequential =>
    tf.sequential({ layers: [dense({ units: 3, inputShape: [4], seed: 1 })] });

  it('names the trouble', () => {
    const notAModel: unknown = {};
    expect(() => fromLayersModel(small())).toThrow(/not compiled/);
    expect(() => fromLayersModel(notAModel as tf.LayersModel)).toThrow(/not a tf.LayersModel/);
    const stateful = tf.sequential({
      layers: [tf.layers.simpleRNN({ units: 2, stateful: true, batchInputShape: [1, 3, 2] })],
    });
    stateful.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    expect(() => fromLayersModel(stateful)).toThrow(/stateful/);
    const compiled = small();
    compiled.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    expect(() => fromLayersModel(compiled, { divergence: 'kl' as 'softmax-kl' })).toThrow(
      /Unknown divergence "kl"/,
    );
    expect(() => fromLayersModel(compiled, { divergence: { out: 'softmax-kl' } })).toThrow(
      /the output "out"/,
    );
    const objective = fromLayersModel(compiled);
    const x = tf.zeros([1, 4]);
    expect(() => objective.predict({ inputs: [x, x], targets: [] }, true)).toThrow(
      /2 inputs; the model expects 1/,
    );
    expect(() => objective.loss(x, { inputs: [x], targets: [] })).toThrow(/0 targets; the model expects 1/);
  });

  it('names the member that another version of tfjs-layers lacks', () => {
    const model = twoByTwoModel();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    (model as Partial<Pick<tf.LayersModel, 'metricsTensors'>>).metricsTensors = undefined as never;
    expect(() => fromLayersModel(model)).toThrow(/no usable LayersModel.metricsTensors; use 4.22.0/);
  });

  it('names the outputs that have no loss', () => {
    const model = twoByTwoModel();
    model.compile({ optimizer: 'sgd', loss: { kind: 'categoricalCrossentropy' } });
    expect(() => fromLayersModel(model)).toThrow(/No loss was compiled for output "size"/);
  });
});

it('leaves no tensor behind, and gives the same bits again', () => {
  const model = sequentialClassifier();
  model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
  const batch = { inputs: [normalTensor([8, 4], 50)], targets: [oneHotTargets(8, 3, 51)] };
  const weights = weightValues(model);
  const before = tf.memory().numTensors;
  const run = (): number[] =>
    tf.tidy(() => {
      const objective = fromLayersModel(model);
      const outputs = objective.predict(batch, false);
      const other = objective.predict(batch, true);
      return [objective.loss(other, batch), objective.divergence(other, outputs)].map(
        (t) => t.dataSync()[0]!,
      );
    });
  const first = run();
  expect(tf.memory().numTensors).toBe(before);
  model.setWeights(weights.map((values, i) => tf.tensor(values, model.weights[i]!.shape as number[])));
  expect(run()).toEqual(first);
});
