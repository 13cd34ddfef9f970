/** Baselines inside `model.fit`: steps that wait at the end of their batch give the bits of those that do not. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { attachOptimizer, isApoError } from '@apo/core';
import type { LayersBatch, Objective, Optimizer } from '@apo/core';
import { Kfac } from '../kfac/kfac.js';
import { Shampoo } from '../shampoo/shampoo.js';
import { normal } from '../testing/networks.js';

type Make = (objective: Objective<LayersBatch>) => Optimizer<LayersBatch>;

const shapes = { epochs: 2, batchSize: 4, shuffle: false } as const;

/** Two inputs, three classes, dropout and a metric. */
function model(): tf.Sequential {
  const initializer = (
    seed: number,
  ): { kernelInitializer: ReturnType<typeof tf.initializers.glorotNormal> } => ({
    kernelInitializer: tf.initializers.glorotNormal({ seed }),
  });
  const made = tf.sequential({
    layers: [
      tf.layers.dense({ units: 5, inputShape: [2], activation: 'tanh', ...initializer(1) }),
      tf.layers.dropout({ rate: 0.2, seed: 3 }),
      tf.layers.dense({ units: 3, activation: 'softmax', ...initializer(2) }),
    ],
  });
  made.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return made;
}

function data(): { x: tf.Tensor; y: tf.Tensor } {
  const x = normal([12, 2], 5);
  const y = tf.tidy(() => {
    const first: tf.Tensor1D = tf.reshape(tf.slice(x, [0, 0], [12, 1]), [12]);
    return tf.cast(tf.oneHot(tf.cast(tf.minimum(tf.abs(tf.mul(first, 2)), 2), 'int32'), 3), 'float32');
  });
  return { x, y };
}

interface Fitted {
  readonly history: unknown;
  readonly weights: number[];
  /** The largest bias of the last layer as a later callback saw it at the end of each batch. */
  readonly seen: number[];
}

async function fit(make: Make, waits: boolean): Promise<Fitted> {
  const trained = model();
  const { x, y } = data();
  const attachment = attachOptimizer(trained, make);
  const seen: number[] = [];
  const watch = {
    onBatchEnd: () => {
      seen.push(Math.max(...trained.getWeights().at(-1)!.dataSync()));
    },
  };
  const { history } = await trained.fit(x, y, {
    ...shapes,
    validationData: [x, y],
    callbacks: waits ? [attachment.waitForSteps(), watch] : [watch],
  });
  const weights = trained.getWeights().flatMap((weight) => [...weight.dataSync()]);
  attachment.dispose();
  trained.dispose();
  tf.dispose([x, y]);
  return { history, weights, seen };
}

const optimizers: readonly (readonly [string, Make])[] = [
  [
    'KFAC that inverts at every step',
    (objective) => new Kfac(objective, { inverseInterval: 1, damping: 0.1 }),
  ],
  [
    'KFAC in the eigenbasis with a damping that adapts, which evaluates the batch again',
    (objective) =>
      new Kfac(objective, {
        inverseInterval: 2,
        damping: 0.1,
        dampingForm: 'exact',
        inverse: 'eigen',
        levenbergMarquardt: { interval: 1 },
      }),
  ],
  ['Shampoo', (objective) => new Shampoo(objective, { rootInterval: 2 })],
];

describe('waitForSteps', () => {
  it.each(optimizers)('%s: history, validation and weights are the same bits', async (_, make) => {
    const waited = await fit(make, true);
    const atOnce = await fit(make, false);
    expect(waited).toEqual(atOnce);
    expect(new Set(waited.seen).size).toBe(6);
    expect(waited).toEqual(await fit(make, true));
  });

  it('leaves the calling thread alone: nothing is read synchronously but by the validation', async () => {
    const trained = model();
    const { x, y } = data();
    const attachment = attachOptimizer(trained, (objective) => new Kfac(objective, { inverseInterval: 1 }));
    const { dataSync } = tf.Tensor.prototype;
    let reads = 0;
    tf.Tensor.prototype.dataSync = function (this: tf.Tensor, ...rest: []) {
      reads++;
      return dataSync.apply(this, rest);
    } as typeof dataSync;
    try {
      await trained.fit(x, y, { ...shapes, callbacks: attachment.waitForSteps() });
    } finally {
      tf.Tensor.prototype.dataSync = dataSync;
    }
    expect(attachment.optimizer.steps).toBe(6);
    expect(reads).toBe(0);
    attachment.dispose();
    trained.dispose();
    tf.dispose([x, y]);
  });

  it('rejects with a typed error for bad input, and the weights stay', async () => {
    const trained = model();
    const { y } = data();
    const x = tf.fill([12, 2], NaN);
    const attachment = attachOptimizer(trained, (objective) => new Kfac(objective));
    const before = trained.getWeights().flatMap((weight) => [...weight.dataSync()]);
    let caught: unknown;
    try {
      await trained.fit(x, y, { ...shapes, callbacks: attachment.waitForSteps() });
    } catch (error) {
      caught = error;
    }
    expect(isApoError(caught) && caught.code).toBe('NON_FINITE');
    expect(trained.getWeights().flatMap((weight) => [...weight.dataSync()])).toEqual(before);
    expect(attachment.optimizer.steps).toBe(0);
    attachment.dispose();
    trained.dispose();
    tf.dispose([x, y]);
  });

  it('a training that breaks off in the middle of a step leaves nothing behind', async () => {
    /** What is left after a fit that a callback ends; tfjs itself leaves the logs of the batch. */
    const leftBy = async (waits: boolean): Promise<number> => {
      const before = tf.memory().numTensors;
      const trained = model();
      const { x, y } = data();
      const attachment = attachOptimizer(trained, (objective) => new Kfac(objective, { inverseInterval: 1 }));
      const breaking = {
        onBatchEnd: () => {
          throw new Error('enough');
        },
      };
      const callbacks = waits ? [breaking, attachment.waitForSteps()] : [breaking];
      await expect(trained.fit(x, y, { ...shapes, callbacks })).rejects.toThrow('enough');
      const taken = attachment.optimizer.steps;
      expect(taken).toBe(waits ? 0 : 1);
      // The step that was open is given up; the next one is taken at once, since nobody waits for it.
      await trained.trainOnBatch(x, y);
      expect(attachment.optimizer.steps).toBe(taken + 1);
      attachment.dispose();
      trained.dispose();
      tf.dispose([x, y]);
      return tf.memory().numTensors - before;
    };
    await leftBy(false);
    expect(await leftBy(true)).toBe(await leftBy(false));
  });

  it('a disposal while a step is waiting lets the training go on with the compiled optimizer', async () => {
    const trained = model();
    const { x, y } = data();
    const attachment = attachOptimizer(trained, (objective) => new Kfac(objective, { inverseInterval: 1 }));
    const before = trained.getWeights().flatMap((weight) => [...weight.dataSync()]);
    trained.compile({ optimizer: tf.train.sgd(0), loss: 'categoricalCrossentropy' });
    const waiter = attachment.waitForSteps();
    let ended = 0;
    await trained.fit(x, y, {
      ...shapes,
      callbacks: {
        onBatchBegin: () => {
          waiter.onBatchBegin();
        },
        onBatchEnd: async () => {
          const waiting = waiter.onBatchEnd();
          attachment.dispose();
          await waiting;
          ended++;
        },
      },
    });
    expect([ended, attachment.optimizer.steps]).toEqual([6, 0]);
    expect(trained.getWeights().flatMap((weight) => [...weight.dataSync()])).toEqual(before);
    trained.dispose();
    tf.dispose([x, y]);
  });

  it('goes on after another compile with a layer frozen, from new factors', async () => {
    const trained = model();
    const { x, y } = data();
    const attachment = attachOptimizer(trained, (objective) => new Kfac(objective));
    const callbacks = attachment.waitForSteps();
    await trained.fit(x, y, { ...shapes, callbacks });
    trained.layers[0]!.trainable = false;
    trained.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const before = trained.getWeights().map((weight) => [...weight.dataSync()]);
    await trained.fit(x, y, { ...shapes, callbacks });
    const after = trained.getWeights().map((weight) => [...weight.dataSync()]);
    // Weights of a frozen layer are listed after the others.
    const moved = trained
      .getWeights()
      .map(({ shape }, i) => [shape.join(), before[i]!.join() !== after[i]!.join()]);
    expect(Object.fromEntries(moved)).toEqual({ '2,5': false, '5': false, '5,3': true, '3': true });
    expect(attachment.optimizer.partition.map(({ variables }) => variables.length)).toEqual([2]);
    attachment.dispose();
    trained.dispose();
    tf.dispose([x, y]);
  });

  it('leaves nothing behind', async () => {
    const make = optimizers[1]![1];
    await fit(make, true);
    const before = tf.memory().numTensors;
    await fit(make, true);
    expect(tf.memory().numTensors).toBe(before);
  });
});
