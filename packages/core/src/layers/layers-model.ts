/**
 * The objective of a compiled `tf.LayersModel`: the loss that its own train function minimises, on the variables it would
 * move. Losses and regularizers are read from the model at each call, so compiling it again is seen at once.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ApoError, requireArgument } from '../errors.js';
import { divergenceNameOf, outputDivergence, requireDivergenceChoice } from './layers-model-divergence.js';
import type { DivergenceName } from '../divergence.js';
import type { DivergenceChoice } from './layers-model-divergence.js';
import { compiledModel, otherVariables, trainableVariables } from './layers-model-internals.js';
import type { CompiledModel } from './layers-model-internals.js';
import { requireUniqueNames } from '../objective.js';
import type { Objective, Outputs } from '../objective.js';

/** A batch for a model with any number of inputs and outputs, in the model's own order. */
export interface LayersBatch {
  /** One `[batch, …]` per input. */
  readonly inputs: readonly tf.Tensor[];
  /** One `[batch, …]` per output, as its loss expects it. */
  readonly targets: readonly tf.Tensor[];
  /** One `[batch]` per output, or nothing: factors on the per-example losses (also what class weights become). */
  readonly sampleWeights?: readonly (tf.Tensor | null | undefined)[];
}

export interface LayersModelOptions {
  /**
   * ρ for every output, or by output name, as documented in `DivergenceName` (summed over an output's axes).
   * Default: from the compiled loss, reduced as the loss is. `categoricalCrossentropy`, `sparseCategoricalCrossentropy` and
   * `kullbackLeiblerDivergence` give `softmax-kl`, `tf.losses.softmaxCrossEntropy` gives `softmax-kl-logits`,
   * `binaryCrossentropy` and `tf.losses.logLoss` give `bernoulli-kl`, `tf.losses.sigmoidCrossEntropy` gives
   * `bernoulli-kl-logits`; every other loss, functions of one's own included, gives the mean squared difference.
   */
  readonly divergence?: DivergenceChoice;
}

/**
 * The objective of `model` on batches of tensors. Its loss is tfjs's: per output the compiled loss, times the sample weights
 * where given, summed over outputs, then the mean; the layers' regularizers are the objective's regularizer. Variables are
 * the model's own, trainable at `compile` and still so; all other weights (BatchNorm averages) are state variables.
 *
 * `predict(batch, true)` is a forward pass in training mode: dropout draws a mask, BatchNorm uses batch statistics and moves
 * its averages. In `predict(batch, false)` tfjs frees intermediate tensors as it goes, so no gradient can be taken through it.
 * @throws ApoError `INVALID_ARGUMENT` when the model is not compiled, has no loss for an output or nothing to train, or when
 *   `divergence` names something unknown; `UNSUPPORTED` for stateful recurrent models, whose carried state a lookahead would
 *   advance, and for a version of tfjs-layers without the members this needs.
 */
export function fromLayersModel(
  model: LayersModel,
  { divergence: choice }: LayersModelOptions = {},
): Objective<LayersBatch> {
  const compiled = compiledModel(model);
  if (compiled.stateful) {
    throw new ApoError(
      'UNSUPPORTED',
      'A recurrent layer of the model is stateful: evaluating the model twice on a batch would advance its state twice. Use stateful: false.',
    );
  }
  requireDivergenceChoice(choice, compiled.outputNames);
  const variables = trainableVariables(compiled);
  requireUniqueNames(variables);
  const name = divergenceName(model, compiled, choice);
  const regularized = tf.tidy(() => compiled.calculateLosses().length > 0);
  return {
    ...(name !== undefined && { divergenceName: name }),
    variables,
    stateVariables: otherVariables(compiled),
    predict(batch, training) {
      const current = compiledModel(model);
      requireTensors('inputs', batch.inputs, current.inputs.length);
      return current.apply([...batch.inputs], { training });
    },
    loss: (outputs, batch) =>
      tf.tidy(() => {
        const [first, ...others] = weightedLosses(compiledModel(model), outputs, batch);
        return tf.mean(others.reduce((total, loss) => tf.add(total, loss), first!));
      }),
    ...(regularized && { regularizer: () => tf.tidy(() => tf.addN(compiledModel(model).calculateLosses())) }),
    divergence: (next, previous) =>
      tf.tidy(() => {
        const { loss, outputNames } = compiledModel(model);
        const [after, before] = [outputList(next), outputList(previous)];
        return tf.addN(
          outputNames.map((name, i) => outputDivergence(loss, name, i, choice)(after[i]!, before[i]!)),
        );
      }),
  };
}

/**
 * The values that tfjs's train function reports after the total loss, from the outputs of one forward pass: with several
 * outputs first each output's own mean loss, then the compiled metrics. New scalars; the caller disposes them.
 */
export function compiledMetrics(model: LayersModel, outputs: Outputs, batch: LayersBatch): tf.Scalar[] {
  const compiled = compiledModel(model);
  return tf.tidy(() => {
    const list = outputList(outputs);
    const own = list.length > 1 ? weightedLosses(compiled, list, batch).map(meanOf) : [];
    const others = compiled.metricsTensors
      .slice(own.length)
      .map(([metric, index]) => meanOf(metric(batch.targets[index]!, list[index]!)));
    return [...own, ...others];
  });
}

function divergenceName(
  model: LayersModel,
  { loss, outputNames }: CompiledModel,
  choice: DivergenceChoice | undefined,
): DivergenceName | undefined {
  const [shape, ...others] = model.outputs.map((output) => output.shape);
  const elements = shape?.length === 2 ? shape[1] : undefined;
  return others.length > 0 || !elements
    ? undefined
    : divergenceNameOf(loss, outputNames[0]!, elements, choice);
}

/** Per output, before the mean: the compiled loss times the sample weights. */
function weightedLosses(compiled: CompiledModel, outputs: Outputs, batch: LayersBatch): tf.Tensor[] {
  requireTensors('targets', batch.targets, compiled.outputs.length);
  const list = outputList(outputs);
  return compiled.lossFunctions.map((lossFunction, i) => {
    const loss = lossFunction(batch.targets[i]!, list[i]!);
    const weights = batch.sampleWeights?.[i];
    return weights ? tf.mul(loss, weights) : loss;
  });
}

function meanOf(tensor: tf.Tensor): tf.Scalar {
  return tf.mean(tensor);
}

function outputList(outputs: Outputs): tf.Tensor[] {
  return Array.isArray(outputs) ? outputs : [outputs];
}

function requireTensors(what: string, tensors: readonly tf.Tensor[], count: number): void {
  requireArgument(
    tensors.length === count,
    () => `The batch has ${tensors.length} ${what}; the model expects ${count}.`,
  );
}
