/** Independent evidence for tests: plain-number objectives, central differences, and readings of tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '../src/objective.js';
import { createRandom } from '../src/random.js';
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

/** How many numbers a generator gives before those of neighbouring seeds have nothing in common. */
const WARM_UP = 16;

/** Seeded values, uniform in [−1, 1); the caller disposes the tensor. */
export function uniformTensor(shape: readonly number[], seed: number): tf.Tensor {
  const random = createRandom(seed);
  for (let i = 0; i < WARM_UP; i++) random.next();
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => 2 * random.next() - 1),
    [...shape],
  );
}

/**
 * Central differences of a scalar function with respect to every element of every input. They are exact, but for rounding,
 * whatever h, where the function is a polynomial of degree two along each axis.
 */
export function numericalGradients(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  h = 0.5,
): number[][] {
  return inputs.map((input, which) => {
    const data = input.dataSync();
    const at = (element: number, shift: number): number =>
      tf.tidy(() => {
        const moved = Float32Array.from(data);
        moved[element]! += shift;
        const trial = inputs.map((other, i) => (i === which ? tf.tensor(moved, input.shape) : other));
        return f(...trial).dataSync()[0]!;
      });
    return Array.from(data, (_, element) => (at(element, h) - at(element, -h)) / (2 * h));
  });
}
