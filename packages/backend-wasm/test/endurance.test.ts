/** 5,000 steps of training: no tensor, no block and no byte of WASM memory more than after the first hundred. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, expect, it } from 'vitest';
import { adam, Apo, createObjective, momentum, RuleOptimizer } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { wasmBackend } from '../src/index.js';
import { memoryOf } from '../src/native/module.js';
import { randomTensor } from '../src/testing/setup.js';

const STEPS = 5000;
const SETTLED = 100;
const factory = tf.findBackendFactory('wasm');

afterEach(() => {
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
});

/** `size` images `[size, 8, 8, 2]`, and classes as one-hot rows `[size, 10]`. */
function createBatches(size: number): SupervisedBatch[] {
  return [0, 1, 2].map((seed) => ({
    inputs: randomTensor([size, 8, 8, 2], seed),
    targets: tf.tidy(() => {
      const classes = Int32Array.from({ length: size }, (_, i) => (i + seed) % 10);
      return tf.cast(tf.oneHot(tf.tensor1d(classes, 'int32'), 10), 'float32');
    }),
  }));
}

/** Convolution, batch normalisation by the batch's own moments, ReLU, pooling, dense. */
function createModel(): Objective<SupervisedBatch> {
  const variable = (name: string, initial: () => tf.Tensor): tf.Variable =>
    tf.tidy(() => tf.variable(initial(), true, name));
  const filter = variable('filter', () => tf.mul(randomTensor([3, 3, 2, 8], 10), 0.3));
  const scale = variable('scale', () => tf.ones([8]));
  const offset = variable('offset', () => tf.zeros([8]));
  const kernel = variable('kernel', () => tf.mul(randomTensor([128, 10], 11), 0.1));
  const bias = variable('bias', () => tf.zeros([10]));
  return createObjective({
    variables: [filter, scale, offset, kernel, bias],
    predict: ({ inputs }) => {
      const convolved = tf.conv2d(inputs as tf.Tensor4D, filter as tf.Tensor as tf.Tensor4D, 1, 'same');
      const { mean, variance } = tf.moments(convolved, [0, 1, 2]);
      const normal = tf.batchNorm(
        convolved,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor as tf.Tensor1D,
        scale as tf.Tensor as tf.Tensor1D,
      );
      const pooled = tf.maxPool(tf.relu(normal), 2, 2, 'valid');
      return tf.add(tf.matMul(tf.reshape(pooled, [-1, 128]), kernel as tf.Tensor as tf.Tensor2D), bias);
    },
    loss: 'softmax-cross-entropy',
  });
}

it.each([
  { threads: 1, size: 8 },
  // 80·8·8·8 activations are enough for two threads in the element-wise kernels and the pooling's gradient.
  { threads: 2, size: 80 },
])(
  'momentum, and Adam with a rate that tunes itself, in turns on $threads thread(s)',
  { timeout: 600_000 },
  async ({ threads, size }) => {
    expect((await wasmBackend({ threads }).activate()).threads).toBe(threads);
    const backend = tf.backend() as unknown as BackendWasm;
    const before = tf.memory().numTensors;
    const batches = createBatches(size);
    const objective = createModel();
    const optimizers = [
      new RuleOptimizer(objective, momentum({ learningRate: 0.01 })),
      new Apo(objective, adam()),
    ] as const;
    const taken = () => {
      const { numTensors, numBytes } = tf.memory();
      const memory = memoryOf(backend).buffer.byteLength;
      return { numTensors, numBytes, blocks: backend.numDataIds(), memory };
    };
    const train = (from: number, to: number): void => {
      for (let i = from; i < to; i++) optimizers[i % 2]!.step(batches[i % 3]!, batches[(i + 1) % 3]);
    };
    const loss = (): number =>
      tf.tidy(() => objective.loss(objective.predict(batches[0]!, false), batches[0]!).dataSync()[0]!);
    const start = loss();
    train(0, SETTLED);
    const settled = taken();
    train(SETTLED, STEPS);
    expect(taken()).toEqual(settled);
    expect(loss()).toBeLessThan(start);
    for (const optimizer of optimizers) optimizer.dispose();
    tf.dispose([...objective.variables, ...batches.flatMap(({ inputs, targets }) => [inputs, targets])]);
    expect(tf.memory().numTensors).toBe(before);
  },
);
