/** LeNet-5 on MNIST, 28 × 28 images in [0, 1]. */
import type { SupervisedBatch } from '@apo/core';
import { loadMnist } from '../data/mnist.js';
import { lenet } from '../models/lenet.js';
import { classificationTask } from './classification.js';
import { requireStore } from './require-store.js';
import type { Task } from './task.js';

const name = 'lenet-mnist';
const batchSize = 128;

/** 61,706 weights; 468 steps of 128 are one epoch. */
export const lenetMnist: Task<SupervisedBatch> = {
  name,
  description: 'MNIST, LeNet-5 (convolutions of 6 and 16 channels, 120-84-10), ReLU, max-pooling.',
  kind: 'classification',
  needsStore: true,
  defaults: { batchSize, steps: 936, interval: 10, trainLossExamples: 10_000 },
  async load({ seed = 0, store, name: prefix } = {}) {
    const data = await loadMnist(requireStore(name, store));
    const model = lenet({ seed, ...(prefix !== undefined && { name: prefix }) });
    return classificationTask({ data, model, batchSize });
  },
};
