/** What is minimised: variables, a prediction, a loss on it, a regulariser, and the divergence between two predictions. */
import * as tf from '@tensorflow/tfjs-core';
import { divergence as namedDivergence } from './divergence.js';
import type { Divergence, DivergenceName } from './divergence.js';
import { requireArgument } from './errors.js';
import { losses } from './losses.js';
import type { LossName } from './losses.js';

/** One output tensor, or several, each `[batch, …]`. */
export type Outputs = tf.Tensor | tf.Tensor[];

/**
 * An objective on batches of type `B`. All functions are synchronous and are called inside `tf.tidy`.
 * J_B = loss(predict(B), B) + regularizer().
 */
export interface Objective<B> {
  /** Trainable variables, with unique names. */
  readonly variables: readonly tf.Variable[];
  /** Variables that a forward pass in training mode moves by itself (BatchNorm averages); a lookahead puts them back. */
  readonly stateVariables: readonly tf.Variable[];
  /** f(x, θ). With `training`, dropout is active and batch statistics are used. */
  predict(batch: B, training: boolean): Outputs;
  /** Mean loss over the batch, a scalar, without regularisers. */
  loss(outputs: Outputs, batch: B): tf.Scalar;
  /** Weight decay and other terms of θ alone, a scalar. */
  regularizer?(): tf.Scalar;
  /** Mean over the batch of ρ(next, previous), a scalar. */
  divergence(next: Outputs, previous: Outputs): tf.Scalar;
  /** What ρ is called, where it has a name: it says which distribution the outputs parametrise. */
  readonly divergenceName?: DivergenceName;
  /** What the loss is called, where it has a name. */
  readonly lossName?: LossName;
}

/** A batch with one input and one target tensor. */
export interface SupervisedBatch {
  readonly inputs: tf.Tensor;
  readonly targets: tf.Tensor;
}

interface CommonOptions<B> {
  readonly variables: readonly tf.Variable[];
  readonly stateVariables?: readonly tf.Variable[];
  readonly predict: (batch: B, training: boolean) => Outputs;
  /** Added to the loss; `l2(variables, c)` makes coupled weight decay. */
  readonly regularizer?: () => tf.Scalar;
}

/** With a loss function of one's own, ρ has to be named (or ½ squared error is meant). */
export interface CustomObjectiveOptions<B> extends CommonOptions<B> {
  readonly loss: (outputs: Outputs, batch: B) => tf.Scalar;
  /** Default `squared-error`, summed over outputs. */
  readonly divergence?: DivergenceName | Divergence | ((next: Outputs, previous: Outputs) => tf.Scalar);
}

/** With a loss by name, ρ follows from it. */
export interface SupervisedObjectiveOptions extends CommonOptions<SupervisedBatch> {
  readonly loss: LossName;
  readonly divergence?: DivergenceName | Divergence;
}

/** Builds an objective from plain functions. @throws ApoError `INVALID_ARGUMENT` when variables are missing or share a name. */
export function createObjective(options: SupervisedObjectiveOptions): Objective<SupervisedBatch>;
export function createObjective<B>(options: CustomObjectiveOptions<B>): Objective<B>;
export function createObjective(
  options: SupervisedObjectiveOptions | CustomObjectiveOptions<SupervisedBatch>,
): Objective<SupervisedBatch> {
  const { variables, stateVariables = [], predict, regularizer } = options;
  requireUniqueNames(variables);
  const byName = typeof options.loss === 'string' ? losses(options.loss) : undefined;
  const chosen = options.divergence ?? byName?.divergence ?? 'squared-error';
  const rho = typeof chosen === 'string' ? namedDivergence(chosen) : chosen;
  const takesAllOutputs = typeof options.divergence === 'function' && typeof options.loss === 'function';
  return {
    variables,
    stateVariables,
    predict,
    loss: byName
      ? (outputs, batch) => byName.loss(single(outputs), batch.targets)
      : (options.loss as (o: Outputs, b: SupervisedBatch) => tf.Scalar),
    ...(regularizer && { regularizer }),
    divergence: takesAllOutputs ? rho : (next, previous) => sumOverOutputs(rho, next, previous),
    ...(typeof chosen === 'string' && { divergenceName: chosen }),
    ...(typeof options.loss === 'string' && { lossName: options.loss }),
  };
}

/** ½ · coefficient · Σ ‖v‖² over `variables`: coupled weight decay, part of J_B. */
export function l2(variables: readonly tf.Variable[], coefficient: number): () => tf.Scalar {
  return () => tf.tidy(() => tf.mul(tf.addN(variables.map((v) => tf.sum(tf.square(v)))), coefficient / 2));
}

/** @throws ApoError `INVALID_ARGUMENT` when there are none, or two share a name (state is keyed by name). */
export function requireUniqueNames(variables: readonly tf.Variable[]): void {
  requireArgument(
    variables.length > 0,
    () => 'The objective has no variables; pass the trainable tf.Variables.',
  );
  const seen = new Set<string>();
  for (const { name } of variables) {
    requireArgument(
      !seen.has(name),
      () => `Two variables are called "${name}"; optimizer state is keyed by name, so give each its own.`,
    );
    seen.add(name);
  }
}

function single(outputs: Outputs): tf.Tensor {
  const list = Array.isArray(outputs) ? outputs : [outputs];
  requireArgument(
    list.length === 1,
    () =>
      `A loss by name takes one output, but predict returned ${list.length}; pass a loss function of your own.`,
  );
  return list[0]!;
}

/** Σ over outputs of ρ(next_i, previous_i). */
export function sumOverOutputs(rho: Divergence, next: Outputs, previous: Outputs): tf.Scalar {
  const [a, b] = [next, previous].map((o) => (Array.isArray(o) ? o : [o]));
  return tf.tidy(() => tf.addN(a!.map((output, i) => rho(output, b![i]!))));
}
