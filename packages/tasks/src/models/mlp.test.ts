import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { createObjective } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mlp } from './mlp.js';
import type { Activation } from './mlp.js';
import type { Model } from './model.js';

let before: number;

beforeEach(() => {
  before = tf.memory().numTensors;
});

afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

/** The forward pass once more, in float64 and without TensorFlow.js. */
function forward(weights: number[][][], biases: number[][], x: number[], g: (z: number) => number): number[] {
  return weights.reduce((h, kernel, layer) => {
    const out = biases[layer]!.map((b, j) => h.reduce((sum, value, i) => sum + value * kernel[i]![j]!, b));
    return layer === weights.length - 1 ? out : out.map(g);
  }, x);
}

const gs: Record<Activation, (z: number) => number> = {
  relu: (z) => Math.max(0, z),
  tanh: Math.tanh,
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  linear: (z) => z,
};

async function values(model: Model): Promise<number[][]> {
  return Promise.all(model.variables.map(async (variable) => [...(await variable.data())]));
}

describe('mlp', () => {
  it('names its variables by layer and starts biases at zero', async () => {
    const model = mlp({ sizes: [3, 4, 2], seed: 0 });
    expect(model.variables.map(({ name, shape }) => [name, shape])).toEqual([
      ['dense1/kernel', [3, 4]],
      ['dense1/bias', [4]],
      ['dense2/kernel', [4, 2]],
      ['dense2/bias', [2]],
    ]);
    const [, firstBias, , secondBias] = await values(model);
    expect([firstBias, secondBias]).toEqual([
      [0, 0, 0, 0],
      [0, 0],
    ]);
    model.dispose();
  });

  it.each(['relu', 'tanh', 'sigmoid', 'linear'] as const)(
    'computes the forward pass with %s',
    async (activation) => {
      const model = mlp({ sizes: [3, 4, 5, 2], activation, seed: 2 });
      model.variables.forEach((variable, i) => {
        if (variable.rank === 1) tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.1 * i)));
      });
      const x = [0.5, -1, 2];
      const outputs = tf.tidy(() => model.predict(tf.tensor2d([x])));
      const kernels = model.variables
        .filter(({ rank }) => rank === 2)
        .map((v) => v.arraySync() as number[][]);
      const biases = model.variables.filter(({ rank }) => rank === 1).map((v) => v.arraySync() as number[]);
      const expected = forward(kernels, biases, x, gs[activation]);
      expect(outputs.shape).toEqual([1, 2]);
      [...(await outputs.data())].forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
      outputs.dispose();
      model.dispose();
    },
  );

  it('takes an activation for each hidden layer', async () => {
    const model = mlp({ sizes: [2, 3, 2, 1], activation: ['sigmoid', 'linear'], seed: 4 });
    const x = [0.3, -0.8];
    const outputs = tf.tidy(() => model.predict(tf.tensor2d([x])));
    const [w1, b1, w2, b2, w3, b3] = model.variables.map((v) => v.arraySync()) as unknown as [
      ...[number[][], number[], number[][], number[], number[][], number[]],
    ];
    const hidden = forward(
      [
        w1,
        [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      ],
      [b1, [0, 0, 0]],
      x,
      gs.sigmoid,
    );
    const expected = forward([w2, w3], [b2, b3], hidden, gs.linear);
    expect((await outputs.data())[0]).toBeCloseTo(expected[0]!, 6);
    outputs.dispose();
    model.dispose();
  });

  it('leaves the biases out when asked', async () => {
    const model = mlp({ sizes: [2, 3, 1], activation: 'linear', bias: false, seed: 4 });
    expect(model.variables.map(({ name }) => name)).toEqual(['dense1/kernel', 'dense2/kernel']);
    // A linear network without biases maps nothing to nothing, exactly.
    const outputs = tf.tidy(() => model.predict(tf.zeros([1, 2])));
    expect(await outputs.data()).toEqual(Float32Array.of(0));
    outputs.dispose();
    model.dispose();
  });

  it('has the gradient that central differences give', async () => {
    const model = mlp({ sizes: [4, 6, 3], activation: 'tanh', seed: 7 });
    const objective = createObjective({
      variables: model.variables,
      predict: ({ inputs }: SupervisedBatch) => model.predict(inputs),
      loss: 'softmax-cross-entropy',
    });
    const batch = {
      inputs: tf.tensor2d([0.1, 0.9, 0.3, 0.5, 0.8, 0.2, 0.6, 0.4], [2, 4]),
      targets: tf.tensor1d([2, 0], 'int32'),
    };
    const lossAt = (): tf.Scalar => objective.loss(objective.predict(batch, true), batch);
    const { value, grads } = tf.variableGrads(lossAt, [...model.variables]);
    // Differences of float32 losses near 1 carry an error of 1e−7 / (2 · 1e−2) = 5e−6.
    const h = 1e-2;
    for (const variable of model.variables) {
      const analytic = [...(await grads[variable.name]!.data())];
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
    tf.dispose([value, grads, batch.inputs, batch.targets]);
    model.dispose();
  });

  it('starts with the same bits for the same seed on every engine', async () => {
    const start = async (seed: number): Promise<number[][]> => {
      const model = mlp({ sizes: [5, 6, 3], seed });
      const read = await values(model);
      model.dispose();
      return read;
    };
    const engine = tf.getBackend();
    await tf.setBackend('cpu');
    const onCpu = await start(3);
    await tf.setBackend('wasm');
    const onWasm = await start(3);
    await tf.setBackend(engine);
    expect(onWasm).toEqual(onCpu);
    expect(await start(4)).not.toEqual(onCpu);
  });

  it('uses Glorot for activations that saturate, unless told otherwise', async () => {
    const limit = Math.fround(Math.sqrt(6 / 40));
    const largest = async (initializer?: 'he-normal'): Promise<number> => {
      const model = mlp({
        sizes: [20, 20],
        activation: 'tanh',
        seed: 1,
        ...(initializer && { initializer }),
      });
      const [kernel] = await values(model);
      model.dispose();
      return Math.max(...kernel!.map(Math.abs));
    };
    expect(await largest()).toBeLessThanOrEqual(limit);
    // 400 normal draws of deviation √(2/20) = .32: one beyond .387 is certain but for 1e−40.
    expect(await largest('he-normal')).toBeGreaterThan(limit);
  });

  it('frees its names when disposed, refuses them before, and takes a prefix', () => {
    const first = mlp({ sizes: [2, 2], seed: 0 });
    const during = tf.memory().numTensors;
    expect(() => mlp({ sizes: [2, 3, 2], seed: 0 })).toThrow(/"dense1\/kernel" already exists/);
    expect(tf.memory().numTensors).toBe(during);
    const second = mlp({ sizes: [2, 2], seed: 0, name: 'other' });
    expect(second.variables.map(({ name }) => name)).toEqual(['other/dense1/kernel', 'other/dense1/bias']);
    second.dispose();
    first.dispose();
    mlp({ sizes: [2, 2], seed: 0 }).dispose();
  });

  it.each([
    [{ sizes: [4] }, /sizes is \[4\]/],
    [{ sizes: [4, 0, 2] }, /Every entry of sizes is 0/],
    [{ sizes: [4, 2.5] }, /Every entry of sizes is 2.5/],
    [{ seed: 0.5 }, /seed is 0.5/],
    [{ activation: ['relu'] as const }, /activation has 1 entries; expected 0, one for each hidden/],
    [
      { activation: 'swish' as 'relu' },
      /Unknown activation "swish"; expected one of relu, tanh, sigmoid, linear/,
    ],
    [
      { initializer: 'zeros' as 'he-normal' },
      /Unknown initializer "zeros"; expected one of he-normal, glorot/,
    ],
  ])('refuses %o', (options, message) => {
    expect(() => mlp({ sizes: [2, 2], seed: 0, ...options })).toThrow(message);
  });
});
