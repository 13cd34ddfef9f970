/** The smoke task: a small network on synthetic digits. Needs no file and trains in seconds. */
import type { SupervisedBatch } from '@apo/core';
import { syntheticDigits } from '../data/digits.js';
import { mlp } from '../models/mlp.js';
import { classificationTask } from './classification.js';
import type { Task } from './task.js';

const batchSize = 50;

/** 12 × 12 synthetic digits (2,000 to train, 500 to test), fully connected 144-32-10, ReLU. The data are the same for every `seed`. */
export const digits: Task<SupervisedBatch> = {
  name: 'digits',
  description: 'Synthetic 12 × 12 digits (no download), fully connected 144-32-10, ReLU.',
  kind: 'classification',
  needsStore: false,
  defaults: { batchSize, steps: 400, interval: 10, trainLossExamples: 10_000 },
  async load({ seed = 0, name } = {}) {
    const data = await Promise.resolve(syntheticDigits());
    const model = mlp({ sizes: [144, 32, 10], seed, ...(name !== undefined && { name }) });
    return classificationTask({ data, model, batchSize });
  },
};
