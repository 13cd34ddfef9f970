/** Linear regression on two parameters, small enough to step by hand. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';

export interface Regression {
  readonly theta: tf.Variable;
  readonly objective: Objective<SupervisedBatch>;
  readonly batch: SupervisedBatch;
  readonly other: SupervisedBatch;
  dispose(): void;
}

/**
 * X = [[1,0],[1,2]], t = [1,−1], θ = [.5,.25]: r = Xθ − t = [−.5, 2], g = Xᵀr/2 = [.75, 2], H = XᵀX/2 = [[1,1],[1,2]].
 * B′ = [[2,1],[0,1],[1,1]]: G = B′ᵀB′/3 = [[5/3,1],[1,1]].
 */
export function regression(): Regression {
  const theta = tf.variable(tf.tensor1d([0.5, 0.25]));
  const objective = createObjective({
    variables: [theta],
    predict: ({ inputs }) => tf.matMul(inputs as tf.Tensor2D, tf.reshape(theta, [2, 1])),
    loss: 'squared-error',
  });
  const batch = {
    inputs: tf.tensor2d([
      [1, 0],
      [1, 2],
    ]),
    targets: tf.tensor2d([[1], [-1]]),
  };
  const other = {
    inputs: tf.tensor2d([
      [2, 1],
      [0, 1],
      [1, 1],
    ]),
    targets: tf.zeros([3, 1]),
  };
  const dispose = (): void =>
    tf.dispose([theta, ...Object.values({ ...batch }), other.inputs, other.targets]);
  return { theta, objective, batch, other, dispose };
}
