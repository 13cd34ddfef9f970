/** Makes a regression task of paired rows and a model: ½ squared error, as loss and as divergence. */
import { createObjective } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { pairedSource } from '../data/paired-source.js';
import type { PairedSplits } from '../data/rows.js';
import type { Model } from '../models/model.js';
import { evaluatePairs } from './evaluate.js';
import type { TaskInstance } from './task.js';

export interface RegressionOptions {
  readonly data: PairedSplits;
  /** Maps `[batch, inputs]` to `[batch, targets]`; owned by the instance from now on. */
  readonly model: Model;
  readonly batchSize: number;
}

/**
 * The loss of a row is ½ ‖f(x) − y‖², summed over its targets. Evaluations add the metric `meanSquaredError`, over rows
 * and targets, in the units of the targets as given.
 */
export function regressionTask({ data, model, batchSize }: RegressionOptions): TaskInstance<SupervisedBatch> {
  const objective = createObjective({
    variables: model.variables,
    predict: ({ inputs }: SupervisedBatch) => model.predict(inputs),
    loss: 'squared-error',
  });
  return {
    objective,
    variables: model.variables,
    trainSource: (seed, size = batchSize) => pairedSource(data.train, { batchSize: size, seed }),
    evaluate: (split, limit) => evaluatePairs(objective, data[split], limit),
    dispose: () => model.dispose(),
  };
}
