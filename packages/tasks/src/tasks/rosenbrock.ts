/** Rosenbrock's function f(x, y) = (1 − x)² + 100 (y − x²)² as a sum of two squared residuals (Rosenbrock 1960); the minimum is f(1, 1) = 0. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective, requireInteger, requireNumber } from '@apo/core';
import type { Objective, Outputs } from '@apo/core';
import { requireFreeNames } from '../models/free-names.js';
import type { Task, TaskInstance, TaskLoadOptions } from './task.js';

/** A batch of nothing: the function has no data. */
export type NoBatch = Readonly<Record<string, never>>;

const START = [1, -1.5] as const;

const NOTHING: NoBatch = Object.freeze({});

export interface RosenbrockOptions extends TaskLoadOptions {
  /** (x, y) at the start; default (1, −1.5). */
  readonly start?: readonly [number, number];
}

/** Residuals r = (1 − x, 10 (y − x²)), `[1, 2]`, so that f = ‖r‖². */
function residuals(theta: tf.Variable): tf.Tensor {
  const [x, y] = tf.split(theta, 2) as [tf.Tensor, tf.Tensor];
  return tf.reshape(tf.concat([tf.sub(1, x), tf.mul(tf.sub(y, tf.square(x)), 10)]), [1, 2]);
}

function rosenbrockObjective(theta: tf.Variable): Objective<NoBatch> {
  return createObjective<NoBatch>({
    variables: [theta],
    predict: () => tf.tidy(() => residuals(theta)),
    loss: (outputs: Outputs) => tf.tidy(() => tf.sum(tf.square(outputs as tf.Tensor))),
    divergence: 'squared-error',
  });
}

/**
 * One variable `theta` `[2]`. The loss is f itself; the prediction is the residual pair `[1, 2]`, compared by ½ squared
 * error. Batches are empty, seeds change nothing, both splits are the function.
 */
export const rosenbrock: Task<NoBatch, RosenbrockOptions> = {
  name: 'rosenbrock',
  description: "Rosenbrock's function of two variables from (1, −1.5); no data.",
  kind: 'function',
  needsStore: false,
  defaults: { batchSize: 1, steps: 10_000, interval: 1, trainLossExamples: 1 },
  load: ({ start = START, name } = {}) => Promise.resolve().then(() => loadRosenbrock(start, name)),
};

function loadRosenbrock(start: readonly [number, number], name: string | undefined): TaskInstance<NoBatch> {
  for (const coordinate of start) requireNumber('Every coordinate of start', coordinate);
  const variableName = name === undefined ? 'theta' : `${name}/theta`;
  requireFreeNames([variableName]);
  const theta = tf.tidy(() => tf.variable(tf.tensor1d([...start]), true, variableName));
  const objective = rosenbrockObjective(theta);
  return {
    objective,
    variables: [theta],
    trainSource: () => ({
      batchesPerEpoch: Infinity,
      next: () => NOTHING,
      release: () => undefined,
      state: () => ({}),
      restore: () => undefined,
    }),
    async evaluate(_split, limit) {
      if (limit !== undefined) requireInteger('limit', limit, 1);
      const value = tf.tidy(() => objective.loss(objective.predict(NOTHING, false), NOTHING));
      const [loss] = await value.data();
      value.dispose();
      return { loss: loss!, examples: 1 };
    },
    dispose: () => theta.dispose(),
  };
}
