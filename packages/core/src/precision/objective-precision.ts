/** An objective whose forward and backward pass run in 16 bits; losses, divergences and regularisers stay in float32. */
import * as tf from '@tensorflow/tfjs-core';
import { atLookahead } from '../lookahead.js';
import type { Objective, Outputs } from '../objective.js';
import { requireUniqueNames } from '../objective.js';
import { byName } from '../tensor-map.js';
import type { TensorMap } from '../update-rule.js';
import type { Precision } from './format.js';
import { requirePrecision } from './format.js';
import { withRoundedOps } from './op-rounding.js';
import { roundMap, roundTo } from './round.js';

export interface PrecisionOptions {
  /**
   * Default false, as in the paper: the variables themselves are rounded, at once and before each forward pass (and, with
   * `withRulePrecision`, after each step). True: they keep float32 values, and the forward pass sees rounded copies.
   */
  readonly masterWeights?: boolean;
}

/**
 * The same objective in `bf16` or `fp16`. In `predict`, training or not: the trainable variables, the operands and results of
 * every matrix product and convolution, and the result of every op that reads one of these, are rounded, and so are the
 * cotangents that come back to them and the gradients of the variables. Arithmetic inside an op, sums and means, and whatever
 * depends on neither weights nor products (inputs until they enter a layer, masks, random numbers) are float32; so are
 * `stateVariables` (BatchNorm averages), `loss`, `divergence` and `regularizer`. Outputs are rounded.
 *
 * A variable that several ops read gets the float32 sum of rounded gradients; `withRulePrecision` rounds the sum. In `fp16`
 * cotangents below 2⁻²⁵ ≈ 3e−8 become zero: there is no loss scaling.
 * @throws ApoError `INVALID_ARGUMENT` for another precision, and in `predict` when the objective's is asynchronous.
 */
export function withPrecision<B>(
  objective: Objective<B>,
  precision: Precision,
  { masterWeights = false }: PrecisionOptions = {},
): Objective<B> {
  requirePrecision(precision);
  requireUniqueNames(objective.variables);
  const { variables, stateVariables } = objective;
  const roundWeights = masterWeights ? undefined : weightRounder(variables, precision);
  roundWeights?.();

  const predict = (batch: B, training: boolean): Outputs =>
    withRoundedOps(precision, variables, () => {
      const outputs = objective.predict(batch, training);
      // An output that no op has made: a variable, or a tensor of the batch; or one that a sum has made.
      const asOutput = (output: tf.Tensor): tf.Tensor =>
        output.dtype === 'float32' ? roundTo(output, precision) : output;
      return Array.isArray(outputs)
        ? outputs.map(asOutput)
        : outputs instanceof tf.Tensor
          ? asOutput(outputs)
          : outputs;
    });
  return {
    variables,
    stateVariables,
    predict: (batch, training) =>
      tf.tidy(() => {
        roundWeights?.();
        if (!masterWeights) return predict(batch, training);
        return atLookahead(variables, roundedValues(variables, precision), () => predict(batch, training));
      }),
    loss: (outputs, batch) => objective.loss(outputs, batch),
    ...(objective.regularizer && { regularizer: () => objective.regularizer!() }),
    divergence: (next, previous) => objective.divergence(next, previous),
  };
}

function roundedValues(variables: readonly tf.Variable[], precision: Precision): TensorMap {
  return roundMap(byName(variables), precision);
}

/** Rounds the variables in place; those that it has rounded and nobody has assigned since are left alone. */
function weightRounder(variables: readonly tf.Variable[], precision: Precision): () => void {
  const rounded = new WeakSet();
  return () => {
    tf.tidy(() => {
      const stale = variables.filter(({ dtype, dataId }) => dtype === 'float32' && !rounded.has(dataId));
      const values = roundedValues(stale, precision);
      for (const variable of stale) {
        variable.assign(values[variable.name]!);
        rounded.add(variable.dataId);
      }
    });
  };
}
