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
  /** f(x, θ) of each micro-batch; empty unless asked for. */
  readonly outputs: readonly Outputs[];
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

/** Forward and backward over `batches`. Micro-batches run one after another, so that only one is in memory. Run inside `tf.tidy`. */
export function basePass<B>(
  objective: Objective<B>,
  batches: readonly SeededBatch<B>[],
  {
    keepOutputs = false,
    onOutputs,
  }: { keepOutputs?: boolean; onOutputs?: (outputs: Outputs, index: number) => void } = {},
): BasePass {
  const outputs: Outputs[] = [];
  const passes = batches.map((seeded, i) =>
    gradientOf(
      () =>
        meanLoss(objective, [seeded], (output) => {
          onOutputs?.(output, i);
          if (keepOutputs)
            outputs.push(Array.isArray(output) ? output.map((o) => tf.keep(o)) : tf.keep(output));
        }),
      objective.variables,
    ),
  );
  const n = passes.length;
  if (n === 1) return { loss: passes[0]!.value, gradients: passes[0]!.gradients, outputs };
  const mean = (tensors: tf.Tensor[]): tf.Tensor => tf.div(tf.addN(tensors), n);
  return {
    loss: mean(passes.map((pass) => pass.value)) as tf.Scalar,
    gradients: Object.fromEntries(
      objective.variables.map(({ name }) => [name, mean(passes.map((pass) => pass.gradients[name]!))]),
    ),
    outputs,
  };
}
