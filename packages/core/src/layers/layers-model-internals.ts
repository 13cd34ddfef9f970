/**
 * The members of a compiled `tf.LayersModel` that training needs and its declared types hide, behind one narrow interface.
 * Tried on @tensorflow/tfjs-layers 4.22.0; a version without one of them is refused here, by name, and nowhere else.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ApoError } from '../errors.js';

/** A loss or metric of tfjs-layers: targets first; any shape, the mean of which is meant. */
export type LossOrMetric = (targets: tf.Tensor, outputs: tf.Tensor) => tf.Tensor;

/** What `fit`, `fitDataset` and `trainOnBatch` call on every batch: inputs, targets and sample weights in one list. */
export type TrainFunction = (data: readonly (tf.Tensor | null | undefined)[]) => tf.Scalar[];

/** Loss and metrics of a batch, without a step. */
export type TestFunction = (data: readonly tf.Tensor[]) => tf.Scalar[];

interface WeightReader {
  read(): tf.Variable;
}

export interface CompiledModel {
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
  readonly outputNames: readonly string[];
  /** As given to `compile`: a name, a function, a list of them, or a map from output names. */
  readonly loss: unknown;
  /** The same, resolved: one function per output. */
  readonly lossFunctions: readonly LossOrMetric[];
  /** Metric and the output it looks at. With several outputs the first entries are the outputs' own losses. */
  readonly metricsTensors: readonly (readonly [LossOrMetric, number])[];
  /** The trainable weights at the time of `compile`. */
  readonly collectedTrainableWeights: readonly WeightReader[];
  readonly weights: readonly WeightReader[];
  /** True when a recurrent layer carries its state from batch to batch. */
  readonly stateful: boolean;
  /** The regularizers' values, one scalar each. */
  calculateLosses(): tf.Scalar[];
  apply(inputs: tf.Tensor[], options: { training: boolean }): tf.Tensor | tf.Tensor[];
  makeTrainFunction(): TrainFunction;
  /** Sets `testFunction`, which evaluations and the validation inside `fit` call on every batch. */
  makeTestFunction(): void;
  testFunction?: TestFunction;
}

const expected: Readonly<Record<Exclude<keyof CompiledModel, 'testFunction'>, (value: unknown) => boolean>> =
  {
    inputs: Array.isArray,
    outputs: Array.isArray,
    outputNames: Array.isArray,
    loss: (value) => value !== undefined && value !== null,
    lossFunctions: Array.isArray,
    metricsTensors: Array.isArray,
    collectedTrainableWeights: Array.isArray,
    weights: Array.isArray,
    stateful: (value) => typeof value === 'boolean',
    calculateLosses: isFunction,
    apply: isFunction,
    makeTrainFunction: isFunction,
    makeTestFunction: isFunction,
  };

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/**
 * The functional model that `model` trains: the model itself, or the inner one of a `tf.Sequential`
 * (which makes a new one at every `compile`).
 * @throws ApoError `INVALID_ARGUMENT` when it is not a compiled `LayersModel` with a loss for every output;
 *   `UNSUPPORTED` when this version of tfjs-layers lacks a member.
 */
export function compiledModel(model: LayersModel): CompiledModel {
  const outer = model as unknown as Partial<Record<'model' | 'compile' | 'optimizer', unknown>> | undefined;
  if (!isFunction(outer?.compile)) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      'The model is not a tf.LayersModel; pass what tf.sequential(), tf.model() or tf.loadLayersModel() returns.',
    );
  }
  if (!outer?.optimizer) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      'The model is not compiled; call model.compile({optimizer, loss, metrics}) first.',
    );
  }
  const members = (outer.model ?? outer) as Partial<CompiledModel>;
  for (const [name, fits] of Object.entries(expected)) {
    if (!fits(members[name as keyof CompiledModel])) {
      throw new ApoError(
        'UNSUPPORTED',
        `This version of @tensorflow/tfjs-layers has no usable LayersModel.${name}; use 4.22.0, on which this was tried.`,
      );
    }
  }
  const compiled = members as CompiledModel;
  const missing = compiled.outputNames.filter((_, i) => !isFunction(compiled.lossFunctions[i]));
  if (missing.length > 0) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `No loss was compiled for output ${missing.map((name) => `"${name}"`).join(', ')}; name one for every output.`,
    );
  }
  return compiled;
}

/** The `tf.Variable`s that tfjs's own train function would move: trainable at `compile` and still so, each once. */
export function trainableVariables(compiled: CompiledModel): tf.Variable[] {
  const variables = new Set(compiled.collectedTrainableWeights.map((weight) => weight.read()));
  return [...variables].filter((variable) => variable.trainable);
}

/** All other weights: BatchNorm averages and whatever is frozen. */
export function otherVariables(compiled: CompiledModel): tf.Variable[] {
  const trained = new Set(trainableVariables(compiled));
  return [...new Set(compiled.weights.map((weight) => weight.read()))].filter(
    (variable) => !trained.has(variable),
  );
}
