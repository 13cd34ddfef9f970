/** Rosenbrock's function, turned, as an objective of @apo/core: one variable `[2]`, the place in the plane. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '@apo/core';
import type { Objective } from '@apo/core';
import { direction, MINIMUM, toFunction } from './landscape.js';
import type { Point } from './landscape.js';

export interface TurnedObjective {
  readonly objective: Objective<null>;
  /** The place in the plane, `[2]`. */
  readonly place: tf.Variable;
  dispose(): void;
}

/**
 * The loss is f, the prediction the residuals (1 − x, 10 (y − x²)), as in the task `rosenbrock` of @apo/tasks, which this is for an
 * angle of 0. `start` is in the plane; `name` is that of the variable.
 */
export function turnedObjective(start: Point, degrees: number, name: string): TurnedObjective {
  const [c, s] = direction(degrees);
  const place = tf.tidy(() => tf.variable(tf.tensor1d([...start]), true, name));
  // (x, y) = M · place + shift: one rounding more than without a turn, none at 0°.
  const matrix = tf.tensor2d([
    [c, s],
    [-s, c],
  ]);
  const [atOrigin] = [toFunction([0, 0], degrees)];
  const shift = tf.tensor2d(degrees === 0 ? [0, 0] : [...atOrigin], [2, 1]);
  const objective = createObjective<null>({
    variables: [place],
    predict: () =>
      tf.tidy(() => {
        const [x, y] = tf.split(tf.add(tf.matMul(matrix, tf.reshape(place, [2, 1])), shift), 2) as [
          tf.Tensor,
          tf.Tensor,
        ];
        return tf.concat([tf.sub(MINIMUM[0], x), tf.mul(tf.sub(y, tf.square(x)), 10)], 1);
      }),
    loss: (residuals) => tf.tidy(() => tf.sum(tf.square(residuals as tf.Tensor))),
    divergence: 'squared-error',
  });
  return { objective, place, dispose: () => tf.dispose([place, matrix, shift]) };
}
