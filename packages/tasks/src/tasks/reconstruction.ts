/** Makes an autoencoder task of rows in [0, 1] and a model: Bernoulli loss, and the Bernoulli Kullback–Leibler divergence that belongs to it. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective, l2 } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { pairedSource } from '../data/paired-source.js';
import type { Rows } from '../data/rows.js';
import type { Model } from '../models/model.js';
import { evaluatePairs } from './evaluate.js';
import type { TaskInstance } from './task.js';

export interface ReconstructionOptions {
  /** Rows of numbers in [0, 1] (after division by their unit). */
  readonly data: Readonly<Record<'train' | 'test', Rows>>;
  /** Maps `[batch, width]` to logits `[batch, width]` of the pixels; owned by the instance from now on. */
  readonly model: Model;
  readonly batchSize: number;
  /** c in ½ · c · ‖θ‖², over all variables; default 0. */
  readonly weightDecay?: number;
}

/**
 * The loss of a row is Σ over its pixels x of −x log p − (1 − x) log(1 − p) with p = sigmoid(logit), the objective its
 * mean plus ½ c ‖θ‖². Evaluations add the metric `meanSquaredError` of p, over rows and pixels.
 */
export function reconstructionTask({
  data,
  model,
  batchSize,
  weightDecay = 0,
}: ReconstructionOptions): TaskInstance<SupervisedBatch> {
  const objective = createObjective({
    variables: model.variables,
    predict: ({ inputs }: SupervisedBatch) => model.predict(inputs),
    loss: 'sigmoid-cross-entropy',
    ...(weightDecay !== 0 && { regularizer: l2(model.variables, weightDecay) }),
  });
  const pairs = {
    train: { inputs: data.train, targets: data.train },
    test: { inputs: data.test, targets: data.test },
  };
  return {
    objective,
    variables: model.variables,
    trainSource: (seed, size = batchSize) => pairedSource(pairs.train, { batchSize: size, seed }),
    evaluate: (split, limit) => evaluatePairs(objective, pairs[split], limit, tf.sigmoid),
    dispose: () => model.dispose(),
  };
}
