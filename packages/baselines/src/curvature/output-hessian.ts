/** H u for the Hessian H of a mean loss or divergence with respect to the network's outputs: the output-space metric H_ρ of Eq. 34 over the batch size. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import type { DivergenceName, LossName } from '@apo/core';
import { differenceStep, directionalDifference } from './difference.js';
import { readValues } from './parameter-space.js';

/** (outputs y, tangents u) ↦ H(y) u, one tensor an output, each of its output's shape; the caller owns the result. */
export type OutputHessian = (outputs: readonly tf.Tensor[], tangents: readonly tf.Tensor[]) => tf.Tensor[];

/** Probabilities closer to 0 than this are clipped by the divergences, which are flat there. */
const PROBABILITY_FLOOR = 1e-7;

/** H of one output, times `count`. */
type Metric = (output: tf.Tensor, tangent: tf.Tensor) => tf.Tensor;

/** (diag p − p pᵀ) u on the last axis, p = softmax(y). */
const softmax: Metric = (output, tangent) => {
  const p = tf.softmax(output);
  return tf.mul(p, tf.sub(tangent, tf.sum(tf.mul(p, tangent), -1, true)));
};
/** σ(1 − σ) u. */
const bernoulli: Metric = (output, tangent) =>
  tf.mul(tf.mul(tf.sigmoid(output), tf.sigmoid(tf.neg(output))), tangent);
const identity: Metric = (_, tangent) => tf.clone(tangent);
/** u / q, and nothing where q is clipped. */
const inverse = (q: tf.Tensor, tangent: tf.Tensor): tf.Tensor =>
  tf.where(
    tf.greater(q, PROBABILITY_FLOOR),
    tf.div(tangent, tf.maximum(q, PROBABILITY_FLOOR)),
    tf.zerosLike(q),
  );
/** u / p(1 − p) = u/p + u/(1 − p). */
const bernoulliProbabilities: Metric = (output, tangent) =>
  tf.add(inverse(output, tangent), inverse(tf.sub(1, output), tangent));

const perExample = (output: tf.Tensor): number => output.shape[0];
const perPosition = (output: tf.Tensor): number => output.size / (output.shape.at(-1) ?? 1);

const table: Record<LossName | DivergenceName, { metric: Metric; count: (output: tf.Tensor) => number }> = {
  'softmax-cross-entropy': { metric: softmax, count: perPosition },
  'sigmoid-cross-entropy': { metric: bernoulli, count: perExample },
  'squared-error': { metric: identity, count: perExample },
  'softmax-kl-logits': { metric: softmax, count: perExample },
  'bernoulli-kl-logits': { metric: bernoulli, count: perExample },
  'softmax-kl': { metric: inverse, count: perExample },
  'bernoulli-kl': { metric: bernoulliProbabilities, count: perExample },
};

/**
 * The Hessian, in closed form, of the loss or divergence called `name`. For a divergence it is the one at equality of both predictions.
 * @throws ApoError `INVALID_ARGUMENT` for an unknown name.
 */
export function namedOutputHessian(name: LossName | DivergenceName): OutputHessian {
  const found = (table as Partial<typeof table>)[name];
  if (found === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `No output Hessian is known for "${name}"; expected one of ${Object.keys(table).join(', ')}, or leave the option out to take it by differences.`,
    );
  }
  return (outputs, tangents) =>
    outputs.map((output, i) =>
      tf.tidy(() => tf.div(found.metric(output, tangents[i]!), found.count(output))),
    );
}

/**
 * The Hessian of any scalar function s of the outputs, from first derivatives alone: a central difference of ∇s along u.
 * In float32 it is good to about five digits, and only as symmetric as that.
 */
export function differenceOutputHessian(s: (outputs: tf.Tensor[]) => tf.Scalar): OutputHessian {
  const gradient = tf.grads((...outputs: tf.Tensor[]) => s(outputs));
  return (outputs, tangents) => {
    const step = differenceStep(rootMeanSquare(outputs), maximum(tangents));
    if (step === 0) return tangents.map((tangent) => tf.zerosLike(tangent));
    return directionalDifference(
      (offset) => gradient(outputs.map((output, i) => tf.add(output, tf.mul(tangents[i]!, offset)))),
      step,
    );
  };
}

function rootMeanSquare(tensors: readonly tf.Tensor[]): number {
  const all = tensors.flatMap((tensor) => Array.from(readValues(tensor)));
  return Math.sqrt(all.reduce((sum, x) => sum + x * x, 0) / Math.max(all.length, 1));
}

function maximum(tensors: readonly tf.Tensor[]): number {
  let largest = 0;
  for (const tensor of tensors) {
    for (const value of readValues(tensor)) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}
