/** A network of two dense layers as an objective, with two batches for it. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '../src/objective.js';
import type { Objective, SupervisedBatch } from '../src/objective.js';
import { testVariable, uniformTensor } from './numeric.js';

type Extra = Partial<Pick<Objective<SupervisedBatch>, 'regularizer' | 'loss'>>;

/** y = tanh(x W₁ + b) W₂ on four rows. */
export function twoLayers(extra: (variables: tf.Variable[]) => Extra = () => ({})) {
  const variables = [
    testVariable(uniformTensor([3, 5], 1), 'first/kernel'),
    testVariable(uniformTensor([5], 2), 'first/bias'),
    testVariable(uniformTensor([5, 2], 3), 'second/kernel'),
  ];
  const [w1, b1, w2] = variables as unknown as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
  const objective: Objective<SupervisedBatch> = {
    ...createObjective({
      variables,
      predict: ({ inputs }) => tf.matMul(tf.tanh(tf.add(tf.matMul(inputs as tf.Tensor2D, w1), b1)), w2),
      loss: 'squared-error',
    }),
    ...extra(variables),
  };
  const batches = [4, 6].map((seed) => ({
    inputs: uniformTensor([4, 3], seed),
    targets: uniformTensor([4, 2], seed + 1),
  }));
  const names = variables.map(({ name }) => name) as [string, string, string];
  return {
    objective,
    variables,
    names,
    batch: batches[0]!,
    batches,
    dispose: () => tf.dispose([variables, batches.flatMap((batch) => Object.values(batch))]),
  };
}
