/** A small regression with two dense layers, and the path that an optimizer takes on it. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '@apo/core';
import type { Objective, Optimizer, SupervisedBatch } from '@apo/core';
import { freshPrefix, normalTensor, testVariable, values } from './tensors.js';

/** Two dense layers on eight seeded rows; `dispose` frees variables and batch. */
export function regression() {
  const at = freshPrefix();
  const variables = [
    testVariable([3, 4], `${at}dense1/kernel`, 11),
    testVariable([4], `${at}dense1/bias`, 12),
    testVariable([4, 2], `${at}dense2/kernel`, 13),
  ];
  const [k1, b1, k2] = variables as [tf.Variable<tf.Rank.R2>, tf.Variable, tf.Variable<tf.Rank.R2>];
  const objective = createObjective({
    variables,
    predict: ({ inputs }: SupervisedBatch) =>
      tf.matMul(tf.tanh(tf.add(tf.matMul(inputs as tf.Tensor2D, k1), b1)), k2),
    loss: 'squared-error',
  });
  const batch = { inputs: normalTensor([8, 3], 14), targets: normalTensor([8, 2], 15) };
  return { objective, variables, batch, dispose: () => tf.dispose([variables, Object.values(batch)]) };
}

/** The variables' values after each of `steps` steps. */
export function trajectory(
  make: (objective: Objective<SupervisedBatch>) => Optimizer<SupervisedBatch>,
  steps = 5,
): number[][] {
  const { objective, variables, batch, dispose } = regression();
  const optimizer = make(objective);
  const seen = Array.from({ length: steps }, () => {
    optimizer.step(batch);
    return variables.flatMap(values);
  });
  optimizer.dispose();
  dispose();
  return seen;
}
