/** A run of `train` on the regression problem that checks that nothing is left behind. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { SupervisedBatch } from '../src/objective.js';
import type { Optimizer } from '../src/optimizer.js';
import { RuleOptimizer } from '../src/rule-optimizer.js';
import { sgd } from '../src/rules/sgd.js';
import type { TrainWithOptimizer } from '../src/training/train-options.js';
import { train } from '../src/training/trainer.js';
import { regression, regressionSource } from './linear-regression.js';
import type { Regression } from './linear-regression.js';

/** Options of `train` without what `withRun` provides. */
export type Options = Omit<TrainWithOptimizer<SupervisedBatch>, 'optimizer' | 'source'>;

/** Runs `body` with a fresh model, optimizer and source, and checks that nothing is left of the run. */
export async function withRun<T>(
  body: (run: {
    model: Regression;
    optimizer: Optimizer<SupervisedBatch>;
    source: ReturnType<typeof regressionSource>;
    go: (options: Options) => ReturnType<typeof train<SupervisedBatch>>;
  }) => Promise<T>,
  make = ({ objective }: Regression): Optimizer<SupervisedBatch> =>
    new RuleOptimizer(objective, sgd({ learningRate: 0.1 })),
): Promise<T> {
  const model = regression();
  const optimizer = make(model);
  const source = regressionSource();
  const tensors = tf.memory().numTensors;
  try {
    const result = await body({
      model,
      optimizer,
      source,
      go: (options) => train({ optimizer, source, ...options }),
    });
    expect(source.outstanding).toBe(0);
    expect(tf.memory().numTensors).toBe(tensors);
    return result;
  } finally {
    optimizer.dispose();
    model.dispose();
  }
}

/** Full-data loss of the model as it is. */
export function loss({ objective }: Regression): number {
  const source = regressionSource({ size: 20, batchSize: 20 });
  const batch = source.next() as SupervisedBatch;
  const [value] = tf.tidy(() => objective.loss(objective.predict(batch, false), batch).dataSync());
  source.release(batch);
  return value!;
}
