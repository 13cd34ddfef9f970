/** Three regressions on tables of the UCI repository, each by a network with two hidden layers of 100 ReLU units. */
import type { SupervisedBatch } from '@apo/core';
import { loadUci, uciParkinsons, uciProtein, uciSlice } from '../data/uci.js';
import type { UciDataSet } from '../data/uci.js';
import { mlp } from '../models/mlp.js';
import { regressionTask } from './regression.js';
import { requireStore } from './require-store.js';
import type { Task } from './task.js';

function uciTask(dataSet: UciDataSet, subject: string, steps: number): Task<SupervisedBatch> {
  const { name } = dataSet.files;
  const batchSize = 128;
  const outputs = dataSet.targets.length;
  const inputs = dataSet.columns - outputs - dataSet.ignored.length;
  const sizes = [inputs, 100, 100, outputs];
  return {
    name,
    description: `${subject}, fully connected ${sizes.join('-')}, ReLU.`,
    kind: 'regression',
    needsStore: true,
    defaults: { batchSize, steps, interval: 10, trainLossExamples: 10_000 },
    async load({ seed = 0, store, name: prefix } = {}) {
      const data = await loadUci(dataSet, requireStore(name, store));
      const model = mlp({ sizes, seed, ...(prefix !== undefined && { name: prefix }) });
      return regressionTask({ data, model, batchSize });
    },
  };
}

/** Deviation of protein decoys from the native structure; ten epochs of 321 steps. */
export const uciProteinTask = uciTask(uciProtein, 'UCI Protein', 3210);

/** Motor and total UPDRS of people with Parkinson's disease; fifty epochs of 41 steps. */
export const uciParkinsonsTask = uciTask(uciParkinsons, 'UCI Parkinsons', 2050);

/** Position of CT slices along the body; ten epochs of 376 steps. */
export const uciSliceTask = uciTask(uciSlice, 'UCI Slice', 3760);
