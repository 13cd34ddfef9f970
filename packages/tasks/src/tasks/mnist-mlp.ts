/** Two fully connected networks on MNIST, 784 inputs in [0, 1] and two hidden ReLU layers. */
import type { SupervisedBatch } from '@apo/core';
import { loadMnist } from '../data/mnist.js';
import { mlp } from '../models/mlp.js';
import { classificationTask } from './classification.js';
import { requireStore } from './require-store.js';
import type { Task, TaskDefaults } from './task.js';

function mnistMlpTask(
  name: string,
  hidden: number,
  defaults: Pick<TaskDefaults, 'steps'>,
): Task<SupervisedBatch> {
  const batchSize = 100;
  return {
    name,
    description: `MNIST, fully connected 784-${hidden}-${hidden}-10, ReLU.`,
    kind: 'classification',
    needsStore: true,
    defaults: { batchSize, interval: 10, trainLossExamples: 10_000, ...defaults },
    async load({ seed = 0, store, name: prefix } = {}) {
      const data = await loadMnist(requireStore(name, store));
      const model = mlp({
        sizes: [784, hidden, hidden, 10],
        seed,
        ...(prefix !== undefined && { name: prefix }),
      });
      return classificationTask({ data, model, batchSize });
    },
  };
}

/** 784-1000-1000-10; 600 steps of 100 examples are one epoch. */
export const mnistMlp = mnistMlpTask('mnist-mlp', 1000, { steps: 600 });

/** 784-256-256-10, three epochs. */
export const mnistMlpSmall = mnistMlpTask('mnist-mlp-small', 256, { steps: 1800 });
