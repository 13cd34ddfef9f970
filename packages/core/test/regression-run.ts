/** Training of a small linear regression on seeded batches, for tests of an optimizer's options and results. */
import * as tf from '@tensorflow/tfjs-core';
import type { Apo } from '../src/apo.js';
import type { Objective } from '../src/objective.js';
import type { RuleOptimizer } from '../src/rule-optimizer.js';
import { linearRegression, values } from './numeric.js';
import type { RegressionBatch } from './numeric.js';

/** Seeded batches of eight examples; the caller disposes them. */
export function batches(count: number): RegressionBatch[] {
  return Array.from({ length: count }, (_, i) => {
    const x = tf.randomNormal<tf.Rank.R2>([8, 3], 0, 1, 'float32', i + 1);
    const t = tf.randomNormal<tf.Rank.R1>([8], 0, 1, 'float32', i + 100);
    return { x, t };
  });
}

/** Trains a linear regression and returns θ, the rates and the statistics. */
export async function run(
  make: (objective: Objective<RegressionBatch>) => Apo<RegressionBatch> | RuleOptimizer<RegressionBatch>,
  steps = 30,
): Promise<{ theta: number[]; rates: Record<string, number>; rejected: number; metaSteps: number }> {
  const data = batches(6);
  const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
  const optimizer = make(objective);
  for (let i = 0; i < steps; i++) optimizer.step(data[i % 6]!, data[(i + 1) % 6]);
  const { learningRates: rates, rejected, metaSteps } = await optimizer.statistics();
  const result = { theta: values(theta), rates, rejected, metaSteps };
  optimizer.dispose();
  tf.dispose([theta, ...data.flatMap(({ x, t }) => [x, t])]);
  return result;
}
