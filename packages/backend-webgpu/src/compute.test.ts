/** Tensors that are float32 in name only, as casts of integers and truth values are, in kernels of this package. */
import { momentum, RuleOptimizer, createObjective } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from './index.js';
import { backend, take, titleOf, whyNoWebgpu } from './testing/setup.js';

const missing = await whyNoWebgpu();

describe.skipIf(missing !== undefined)(`casts of integers${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  /** 40 rows with a one each, at 0, 1, …, 19, 0, …. */
  const oneHot = (): tf.Tensor2D => {
    const labels = tf.range(0, 40, 1, 'int32');
    return tf.cast(tf.oneHot(tf.mod(labels, tf.scalar(20, 'int32')), 20), 'float32') as tf.Tensor2D;
  };

  test('in products, forward and backward', async () => {
    // A reading submits what waits in the queue, and with it goes what earlier tests released.
    await take(tf.tidy(() => tf.add(tf.ones([2000]), 1)));
    const before = tf.memory().numTensors;
    const held = (backend() as unknown as { bufferManager: { numUsedBuffers: number } }).bufferManager;
    const used = held.numUsedBuffers;
    // Each column has two ones, so each number is 2; with a kernel of 1, 2, …, row i of the other is row i mod 20 of the kernel.
    const counts = tf.tidy(() => tf.matMul(oneHot(), tf.ones([40, 20]), true));
    expect(await take(counts)).toEqual(new Float32Array(400).fill(2));
    const picked = tf.tidy(() => tf.matMul(oneHot(), tf.reshape(tf.range(0, 400), [20, 20])));
    const values = await take(picked);
    expect(values).toEqual(Float32Array.from({ length: 800 }, (_, at) => at % 400));
    expect(tf.memory().numTensors).toBe(before);
    expect(held.numUsedBuffers).toBe(used);
  });

  test('in sums of many, and in the step of an optimizer', async () => {
    const sum = tf.tidy(() => {
      const truth = tf.cast(tf.greater(tf.range(0, 300), 99.5), 'float32');
      return tf.addN([truth, truth, truth]);
    });
    expect(await take(sum)).toEqual(Float32Array.from({ length: 300 }, (_, i) => (i < 100 ? 0 : 3)));
    const weights = tf.variable(tf.zeros([300]));
    const given = tf.customGrad((x) => ({
      value: tf.sum(x as tf.Tensor),
      gradFunc: () => tf.cast(tf.greater(tf.range(0, 300), 99.5), 'float32'),
    }));
    const objective = createObjective({
      variables: [weights],
      predict: () => given(weights),
      loss: (outputs) => outputs as tf.Scalar,
    });
    const optimizer = new RuleOptimizer(objective, momentum({ learningRate: 0.5, momentum: 0.9 }));
    optimizer.step(undefined);
    expect(weights.dataSync()).toEqual(Float32Array.from({ length: 300 }, (_, i) => (i < 100 ? 0 : -0.5)));
    optimizer.dispose();
    weights.dispose();
  });
});
