/** Training steps seen from the device: nothing is read back, few dispatches, and memory that stays flat. */
import { Apo, RuleOptimizer, adam, momentum, rmsprop, sgd } from '@apo/core';
import type { Optimizer, SupervisedBatch, TensorMap, UpdateRule } from '@apo/core';
import { precondition } from '@apo/precond';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from '../src/index.js';
import { backend, counted, randomTensor, take, titleOf, whyNoWebgpu } from '../src/testing/setup.js';
import { models } from './models.js';
import type { Model } from './models.js';

const missing = await whyNoWebgpu();

type Make = (objective: Model['objective']) => Optimizer<SupervisedBatch>;

const optimizers: Record<string, Make> = {
  SGD: (objective) => new RuleOptimizer(objective, sgd({ learningRate: 0.05 })),
  momentum: (objective) => new RuleOptimizer(objective, momentum({ learningRate: 0.05 })),
  RMSprop: (objective) => new RuleOptimizer(objective, rmsprop({ learningRate: 0.001 })),
  Adam: (objective) => new RuleOptimizer(objective, adam({ learningRate: 0.01 })),
  'SGD-APO': (objective) => new Apo(objective, sgd()),
  'Adam-APO': (objective) => new Apo(objective, adam()),
  'APO-Precond': (objective) => new Apo(objective, precondition({ rank: 4 })),
};

/** For a long run by hand: APO_MEMORY_STEPS, a multiple of four. Any growth shows within four samples of a few steps. */
const STEPS = Number(process.env['APO_MEMORY_STEPS'] ?? 40);

const LONG_RUNS = [
  ['Adam', 2 * STEPS],
  ['APO-Precond', STEPS],
] as const;

interface Sizes {
  readonly tensors: number;
  readonly dataIds: number;
  readonly buffersInUse: number;
  readonly bytesInUse: number;
  readonly bytesAllocated: number;
}

/** What waits in the queue is released when it is submitted, which a reading does. */
async function sizes(): Promise<Sizes> {
  await take(tf.tidy(() => tf.add(tf.ones([2000]), 1)));
  const { bufferManager } = backend();
  return {
    tensors: tf.memory().numTensors,
    dataIds: backend().numDataIds(),
    buffersInUse: bufferManager.getNumUsedBuffers(),
    bytesInUse: bufferManager.numBytesUsed,
    bytesAllocated: bufferManager.numBytesAllocated,
  };
}

/** Steps on batches that lie on the device already. */
async function train(make: Make, steps: number, body: (step: () => void) => Promise<void>): Promise<void> {
  const { objective, batch } = models.MLP();
  const batches = Array.from({ length: 4 }, (_, i) => batch(i));
  const optimizer = make(objective);
  let i = 0;
  const step = (): void => {
    optimizer.step(batches[i % 4]!, batches[(i + 1) % 4]);
    i++;
  };
  for (let k = 0; k < steps; k++) step();
  await objective.variables[0]!.data();
  await body(step);
  const values = await objective.variables[0]!.data();
  expect(values.every(Number.isFinite)).toBe(true);
  optimizer.dispose();
  tf.dispose([...batches.flatMap(({ inputs, targets }) => [inputs, targets]), ...objective.variables]);
}

describe.skipIf(missing !== undefined)(`steps on the device${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  test.each(Object.entries(optimizers))('%s reads nothing back, from its first step on', async (_, make) => {
    await train(make, 0, async (step) => {
      const { maps, dispatches } = await counted(() => {
        for (let k = 0; k < 4; k++) step();
      });
      expect(maps).toBe(0);
      expect(dispatches).toBeGreaterThan(4);
    });
  });

  // Those of the long runs below would do the same twice.
  const shortRuns = Object.entries(optimizers).filter(([name]) => !LONG_RUNS.some(([long]) => long === name));

  test.each(shortRuns)('%s keeps tensors and bytes flat', async (_, make) => {
    const before = tf.memory().numTensors;
    await train(make, 4, async (step) => {
      const { bytesAllocated, ...first } = await sizes();
      expect(bytesAllocated).toBeGreaterThanOrEqual(first.bytesInUse);
      for (let k = 0; k < 3; k++) step();
      // The pool may still grow: the steps below are more.
      expect(await sizes()).toMatchObject(first);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each(LONG_RUNS)(
    '%s keeps them flat for %i steps',
    { timeout: 60_000 + 1000 * STEPS },
    async (name, steps) => {
      const before = tf.memory().numTensors;
      // After some steps the pool of buffers has all that a step needs.
      await train(optimizers[name]!, 20, async (step) => {
        const first = await sizes();
        for (let sample = 0; sample < 4; sample++) {
          for (let k = 0; k < steps / 4; k++) step();
          expect(await sizes()).toEqual(first);
        }
      });
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

/** The shapes of ResNet-18's variables for 10 classes, with an eighth of its channels: 62 variables. */
function resNet18Shapes(): number[][] {
  const shapes: number[][] = [];
  const convolution = (size: number, from: number, to: number): void => {
    shapes.push([size, size, from, to], [to], [to]);
  };
  convolution(3, 3, 8);
  let channels = 8;
  for (const width of [8, 8, 16, 16, 32, 32, 64, 64]) {
    convolution(3, channels, width);
    convolution(3, width, width);
    if (channels !== width) convolution(1, channels, width);
    channels = width;
  }
  shapes.push([channels, 10], [10]);
  return shapes;
}

describe.skipIf(missing !== undefined)(
  `dispatches of an update of ResNet-18's variables${titleOf(missing)}`,
  () => {
    beforeAll(async () => {
      await webgpuBackend().activate();
    });
    afterEach(() => installTrainingKernels());

    /** Dispatches of the second update, when everything lies on the device. */
    async function dispatchesOf(rule: UpdateRule): Promise<number> {
      const shapes = resNet18Shapes();
      expect(shapes).toHaveLength(62);
      const onDevice = (seed: number): TensorMap =>
        Object.fromEntries(
          shapes.map((shape, i) => [`w${i}`, tf.tidy(() => tf.add(randomTensor(shape, seed + i), 1))]),
        );
      const [variables, gradients] = [onDevice(1), onDevice(100)];
      const list = Object.entries(variables).map(
        ([name, { shape }]) => ({ name, shape }) as unknown as tf.Variable,
      );
      tf.engine().startScope();
      const phi = rule.initialPhi(list);
      const first = rule.update!({ variables, gradients, state: rule.initialState(list), step: 1 }, phi, 1)!;
      const { dispatches } = await counted(() => {
        rule.update!({ ...first, gradients, step: 2 }, phi, 1);
      });
      tf.engine().endScope();
      tf.dispose([...Object.values(variables), ...Object.values(gradients)]);
      return dispatches;
    }

    test.each([
      ['SGD', sgd({ learningRate: 0.1 }), 3, 3],
      ['momentum', momentum({ learningRate: 0.1 }), 5, 3],
      ['RMSprop', rmsprop({ learningRate: 0.1 }), 5, 8],
      ['Adam', adam({ learningRate: 0.1 }), 7, 12],
    ])('%s takes as few as its storage buffers allow', async (_, rule, buffersPerVariable, timesFewer) => {
      const fused = await dispatchesOf(rule);
      // One buffer holds the learning rate.
      const capacity = Math.floor(
        (backend().device.limits.maxStorageBuffersPerShaderStage - 1) / buffersPerVariable,
      );
      // One more for η = exp φ.
      expect(fused).toBe(Math.ceil(62 / Math.min(8, capacity)) + 1);
      removeTrainingKernels();
      const stock = await dispatchesOf(rule);
      // On a device with eight storage buffers, the fewest that there can be, which is where fused ones are most.
      expect(stock / fused).toBeGreaterThan(timesFewer);
    });
  },
);
