/** The ordinary forward and backward pass at θ over one or several micro-batches: J_B, its gradient, and the outputs if wanted. */
import * as tf from '@tensorflow/tfjs-core';
import type { Objective, Outputs } from './objective.js';
import { withRandomSeed } from './replay.js';
import { total } from './tensor-map.js';
import type { TensorMap } from './update-rule.js';

/** One (micro-)batch and the seed of the dropout masks that it sees, wherever it is evaluated. */
export interface SeededBatch<B> {
  readonly batch: B;
  readonly seed: number;
}

export interface BasePass {
  /** J_B(θ), regularisers included. */
  readonly loss: tf.Scalar;
  readonly gradients: TensorMap;
}

/** f(x, θ) in training mode with the masks of `seed`. */
export function predictSeeded<B>(objective: Objective<B>, { batch, seed }: SeededBatch<B>): Outputs {
  return withRandomSeed(seed, () => objective.predict(batch, true));
}

/** Mean over micro-batches of the data loss, plus the regulariser. `onOutputs` sees each prediction. */
export function meanLoss<B>(
  objective: Objective<B>,
  batches: readonly SeededBatch<B>[],
  onOutputs?: (outputs: Outputs, index: number) => void,
): tf.Scalar {
  const dataLosses = batches.map((seeded, i) => {
    const outputs = predictSeeded(objective, seeded);
    onOutputs?.(outputs, i);
    return objective.loss(outputs, seeded.batch);
  });
  const sum = total(dataLosses);
  const data: tf.Scalar = batches.length === 1 ? sum : tf.div(sum, batches.length);
  return objective.regularizer ? tf.add(data, objective.regularizer()) : data;
}

/** ∇ f with respect to `variables` (zeros where f does not reach one), with f's value. Run inside `tf.tidy`. */
export function gradientOf(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[],
): { value: tf.Scalar; gradients: TensorMap } {
  const { value, grads } = tf.variableGrads(f, [...variables]);
  const gradients = Object.fromEntries(
    variables.map((variable) => [variable.name, grads[variable.name] ?? tf.zeros(variable.shape)]),
  );
  return { value, gradients };
}

/** Mean over passes of equal weight; one pass is returned as it is. */
export function meanPass(
  passes: readonly { value: tf.Scalar; gradients: TensorMap }[],
  variables: readonly tf.Variable[],
): { value: tf.Scalar; gradients: TensorMap } {
  if (passes.length === 1) return passes[0]!;
  const mean = <T extends tf.Tensor>(tensors: T[]): T => tf.div(tf.addN(tensors), tensors.length);
  return {
    value: mean(passes.map(({ value }) => value)),
    gradients: Object.fromEntries(
      variables.map(({ name }) => [name, mean(passes.map(({ gradients }) => gradients[name]!))]),
    ),
  };
}

/** Copies beyond the current tidy, which the caller disposes: `predict` may return a tensor of the batch, or a variable. */
export function keptCopy(outputs: Outputs): Outputs {
  const copy = (output: tf.Tensor): tf.Tensor => tf.keep(tf.clone(output));
  return Array.isArray(outputs) ? outputs.map(copy) : copy(outputs);
}

export interface BasePassOptions {
  /** Receives a kept copy of each prediction, also when the pass fails later; the caller disposes them. */
  readonly keepOutputs?: Outputs[];
  /** Sees each prediction itself. */
  readonly onOutputs?: (outputs: Outputs, index: number) => void;
}

/** Forward and backward over `batches`. Micro-batches run one after another, so that only one is in memory. Run inside `tf.tidy`. */
export function basePass<B>(
  objective: Objective<B>,
  batches: readonly SeededBatch<B>[],
  { keepOutputs, onOutputs }: BasePassOptions = {},
): BasePass {
  const passes = batches.map((seeded, i) =>
    gradientOf(
      () =>
        meanLoss(objective, [seeded], (output) => {
          keepOutputs?.push(keptCopy(output));
          onOutputs?.(output, i);
        }),
      objective.variables,
    ),
  );
  const { value, gradients } = meanPass(passes, objective.variables);
  return { loss: value, gradients };
}
