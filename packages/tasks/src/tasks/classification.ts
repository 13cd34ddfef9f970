/** Makes a classification task of a data set and a model: softmax cross-entropy, and the Kullback–Leibler divergence that belongs to it. */
import { createObjective } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { exampleSource } from '../data/example-batches.js';
import type { LabelledSplits } from '../data/examples.js';
import type { Model } from '../models/model.js';
import { evaluateClassifier } from './evaluate.js';
import type { TaskInstance } from './task.js';

export interface ClassificationOptions {
  readonly data: LabelledSplits;
  /** Maps `[batch, features]` in [0, 1] to logits `[batch, classes]`; owned by the instance from now on. */
  readonly model: Model;
  readonly batchSize: number;
}

/** Puts the parts together; for tasks of one's own as well as for those of this package. */
export function classificationTask({
  data,
  model,
  batchSize,
}: ClassificationOptions): TaskInstance<SupervisedBatch> {
  const objective = createObjective({
    variables: model.variables,
    predict: ({ inputs }: SupervisedBatch) => model.predict(inputs),
    loss: 'softmax-cross-entropy',
  });
  return {
    objective,
    variables: model.variables,
    trainSource: (seed, size = batchSize) => exampleSource(data.train, { batchSize: size, seed }),
    evaluate: (split, limit) => evaluateClassifier(objective, data[split], limit),
    dispose: () => model.dispose(),
  };
}
