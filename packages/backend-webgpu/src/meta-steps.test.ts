/** Meta-steps on the device: φ moves as it does in plain ops, and is not held where it is by a check that nothing passes. */
import { Apo, createObjective, momentum, sgd } from '@apo/core';
import type { MetaStepStatistics, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from './index.js';
import { randomValues, titleOf, whyNoWebgpu } from './testing/setup.js';

const missing = await whyNoWebgpu();

const SMALL_OUTPUT = 2;

async function metaSteps(rule: typeof sgd | typeof momentum): Promise<MetaStepStatistics[]> {
  const kernel = tf.variable(tf.tensor2d(randomValues(8 * 3, 1), [8, 3]), true, 'kernel');
  const objective = createObjective({
    variables: [kernel],
    predict: ({ inputs }: SupervisedBatch) => tf.matMul(inputs, kernel),
    loss: 'softmax-cross-entropy',
  });
  const batch = {
    inputs: tf.tensor2d(randomValues(16 * 8, 2), [16, 8]),
    targets: tf.tensor1d(
      Array.from({ length: 16 }, (_, i) => i % 3),
      'int32',
    ),
  };
  const apo = new Apo(objective, rule({ learningRate: 0.001 }), { calibrate: false });
  const heard: MetaStepStatistics[] = [];
  apo.onMetaStep((statistics) => heard.push(statistics));
  for (let step = 0; step < 6; step++) apo.step(batch);
  await apo.flush();
  apo.dispose();
  tf.dispose([batch.inputs, batch.targets, kernel]);
  return heard;
}

describe.skipIf(missing !== undefined)(`meta-steps${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
    // TensorFlow.js's program for results of at most 128 elements takes a software renderer minutes.
    tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', SMALL_OUTPUT);
  });
  afterAll(() => tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', -1));

  test.each([
    ['SGD', sgd],
    ['momentum', momentum],
  ])('of %s are accepted, and give the rates of stock ops', async (_, rule) => {
    const ours = await metaSteps(rule);
    removeTrainingKernels();
    const stock = await metaSteps(rule).finally(() => installTrainingKernels());
    expect(ours.map(({ accepted }) => accepted)).toEqual(stock.map(({ accepted }) => accepted));
    expect(ours.filter(({ accepted }) => accepted)).not.toEqual([]);
    ours.forEach(({ learningRates }, i) => {
      expect(learningRates['all']! / stock[i]!.learningRates['all']!).toBeCloseTo(1, 3);
    });
    // Far below the best rate it rises: by 0.1 a meta-step at first, in logarithms.
    expect(ours.at(-1)!.learningRates['all']).toBeGreaterThan(0.0015);
  });
});
