/** How well the quadratic model foretold the loss: both reductions by a step that has been taken, for Levenberg–Marquardt damping. */
import * as tf from '@tensorflow/tfjs-core';
import { meanLoss, preserving } from '@apo/core';
import type { Objective, TensorMap } from '@apo/core';
import type { CurvatureStep } from './curvature-pass.js';

export interface TakenStep<B> {
  readonly objective: Objective<B>;
  readonly pending: CurvatureStep<B>;
  /** Block states of the step. */
  readonly states: readonly TensorMap[];
  /** θ before it; the variables are at θ′. */
  readonly before: TensorMap;
  /** δ = θ′ − θ. */
  readonly displacement: TensorMap;
  readonly weightDecay: number;
}

/**
 * (J(θ′) − J(θ), M(δ) − M(0)) as a tensor `[2]`, with M(δ) = ⟨g, δ⟩ + ½ δᵀFδ + ½ λ ‖δ‖² and the blocks' F (Martens & Grosse
 * 2015, Sec. 6.5, with the approximate F). Weight decay belongs to J and, by g, to M. Run inside `tf.tidy`.
 */
export function reductions<B>({
  objective,
  pending,
  states,
  before,
  displacement,
  weightDecay,
}: TakenStep<B>): tf.Tensor {
  const { batches, gradients, blocks, loss, damping } = pending;
  const after = preserving(objective.stateVariables, () => meanLoss(objective, batches));
  const variables = Object.fromEntries(objective.variables.map((v) => [v.name, v as tf.Tensor]));
  const decay = tf.mul(tf.sub(squaredNorm(variables), squaredNorm(before)), weightDecay / 2);
  const linear = tf.addN(
    Object.entries(displacement).map(([name, delta]): tf.Scalar => tf.sum(tf.mul(delta, gradients[name]!))),
  );
  const curvature = tf.addN(blocks.map(({ block }, i) => block.quadratic(states[i]!, displacement)));
  const second = tf.add(curvature, tf.mul(squaredNorm(displacement), damping));
  const actual: tf.Tensor = tf.add(tf.sub(after, loss), decay);
  return tf.stack([actual, tf.add(linear, tf.mul(second, 0.5))]);
}

function squaredNorm(map: TensorMap): tf.Scalar {
  return tf.addN(Object.values(map).map((tensor): tf.Scalar => tf.sum(tf.square(tensor))));
}
