/** Hundreds of training steps: no tensor, no buffer in use and no byte on the device more than after the first ones. APO_MEMORY_STEPS sets another number of steps. */
import { Apo, RuleOptimizer, adam } from '@apo/core';
import type { Optimizer, SupervisedBatch } from '@apo/core';
import { precondition } from '@apo/precond';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from '../src/index.js';
import { backend, take, titleOf, whyNoWebgpu } from '../src/testing/setup.js';
import { models } from './models.js';
import type { Model } from './models.js';

const missing = await whyNoWebgpu();

const STEPS = Number(process.env['APO_MEMORY_STEPS'] ?? 100);
/** After these the pool of buffers has all that a step needs. */
const SETTLED = 20;
const SAMPLES = 4;

const optimizers: [string, (objective: Model['objective']) => Optimizer<SupervisedBatch>][] = [
  ['Adam', (objective) => new RuleOptimizer(objective, adam({ learningRate: 0.001 }))],
  ['APO-Precond', (objective) => new Apo(objective, precondition({ rank: 4 }))],
];

interface Sizes {
  readonly tensors: number;
  readonly dataIds: number;
  readonly buffers: number;
  readonly bytes: number;
  readonly allocatedBytes: number;
}

/** What waits in the queue is released when it is submitted, which a reading does. */
async function sizes(): Promise<Sizes> {
  await take(tf.tidy(() => tf.add(tf.ones([2000]), 1)));
  const { bufferManager } = backend();
  return {
    tensors: tf.memory().numTensors,
    dataIds: backend().numDataIds(),
    buffers: bufferManager.getNumUsedBuffers(),
    bytes: bufferManager.numBytesUsed,
    allocatedBytes: bufferManager.numBytesAllocated,
  };
}

describe.skipIf(missing !== undefined)(`${STEPS} steps${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  test.each(optimizers)(
    'of %s keep tensors and bytes flat',
    { timeout: 60_000 + 1000 * STEPS },
    async (_, create) => {
      const before = tf.memory().numTensors;
      const { objective, batch } = models.MLP();
      const batches = Array.from({ length: 4 }, (_, i) => batch(i));
      const optimizer = create(objective);
      const seen: Sizes[] = [];
      for (let step = 0; step <= STEPS; step++) {
        optimizer.step(batches[step % 4]!, batches[(step + 1) % 4]);
        if (step >= SETTLED && (step - SETTLED) % Math.floor((STEPS - SETTLED) / SAMPLES) === 0)
          seen.push(await sizes());
      }
      expect(seen.length).toBeGreaterThan(SAMPLES);
      expect(new Set(seen.map((sample) => JSON.stringify(sample))).size, JSON.stringify(seen)).toBe(1);
      const trained = await objective.variables[0]!.data();
      expect(trained.every(Number.isFinite)).toBe(true);
      optimizer.dispose();
      tf.dispose([...batches.flatMap(({ inputs, targets }) => [inputs, targets]), ...objective.variables]);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
