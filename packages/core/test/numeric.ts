/** Independent evidence for tests: plain-number objectives, central differences, and readings of tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '../src/objective.js';
import type { Objective } from '../src/objective.js';

/** Central difference of `f` at `x`. */
export function centralDifference(f: (x: number) => number, x: number, h = 1e-3): number {
  return (f(x + h) - f(x - h)) / (2 * h);
}

/** The values of a tensor as plain numbers. */
export function values(tensor: tf.Tensor): number[] {
  return Array.from(tensor.dataSync());
}

let instances = 0;

/** A variable with a name that no other test uses; takes `initial` over. */
export function testVariable(initial: tf.Tensor, label: string): tf.Variable {
  const variable = tf.variable(initial, true, `test${instances++}/${label}`);
  initial.dispose();
  return variable;
}

export interface RegressionBatch {
  readonly x: tf.Tensor2D;
  readonly t: tf.Tensor1D;
}

/** Linear regression J = ½ mean (xθ − t)², ρ = ½ Δy². The caller disposes `theta` and the batches it makes. */
export function linearRegression(theta0: number[]): {
  theta: tf.Variable;
  objective: Objective<RegressionBatch>;
} {
  const theta = testVariable(tf.tensor1d(theta0), 'theta');
  const objective = createObjective<RegressionBatch>({
    variables: [theta],
    predict: ({ x }) => tf.reshape(tf.matMul(x, tf.reshape(theta, [-1, 1])), [-1]),
    loss: (y, { t }) => tf.mul(tf.mean(tf.square(tf.sub(y as tf.Tensor, t))), 0.5),
  });
  return { theta, objective };
}

/** The number of tensors that `body` leaves behind. */
export async function leaked(body: () => void | Promise<void>): Promise<number> {
  const before = tf.memory().numTensors;
  await body();
  return tf.memory().numTensors - before;
}
