/** Curvature times a vector, at the variables' present values and averaged over micro-batches: Hv, and the Gauss–Newton product Jᵀ H J v. No matrix is formed and no second derivative taken. */
import * as tf from '@tensorflow/tfjs-core';
import { atLookahead, preserving } from '@apo/core';
import type { Objective, Outputs, SeededBatch, TensorMap } from '@apo/core';
import { differenceStep, directionalDifference } from './difference.js';
import { jacobianVector, outputsOf, vectorJacobian } from './jacobian.js';
import type { JacobianVectorMethod } from './jacobian.js';
import { differenceOutputHessian, namedOutputHessian } from './output-hessian.js';
import type { OutputHessian } from './output-hessian.js';
import { ParameterSpace, readValues } from './parameter-space.js';
import { scoped } from './scope.js';
import { addScaled, norm } from './vector.js';

/** v ↦ Cv, both `[parameters]` in the order of the objective's variables. */
export type Product = (vector: Float64Array) => Float64Array;

/** Parts of one mean over micro-batches of equal weight. */
export type SeededBatches<B> = readonly SeededBatch<B>[];

/** The value and gradient of a scalar function of the variables, without moving BatchNorm averages. */
export function valueAndGradient<B>(
  objective: Objective<B>,
  f: () => tf.Scalar,
): { value: number; gradient: Float64Array } {
  const space = new ParameterSpace(objective.variables);
  return preserving(objective.stateVariables, () =>
    scoped(() => {
      const { value, grads } = tf.variableGrads(f, [...objective.variables]);
      return { value: readValues(value)[0]!, gradient: space.read(grads) };
    }),
  );
}

/**
 * v ↦ Hv with H the Hessian of a scalar function of the variables, by a four-point difference of its gradient along v (about
 * four digits, wrong across kinks). Second derivatives cannot be had: TensorFlow.js lacks them for most activations.
 */
export function hessianProduct<B>(objective: Objective<B>, f: () => tf.Scalar): Product {
  const space = new ParameterSpace(objective.variables);
  return (vector) => {
    const theta = space.current();
    const step = differenceStep(norm(theta), norm(vector));
    if (step === 0) return new Float64Array(space.size);
    return scoped(() => {
      const gradients = directionalDifference((offset) => {
        const moved = space.write(addScaled(theta, offset, vector));
        return atLookahead(objective.variables, moved, () => gradientTensors(objective, f));
      }, step);
      return space.read(named(objective, gradients));
    });
  };
}

function gradientTensors<B>({ variables, stateVariables }: Objective<B>, f: () => tf.Scalar): tf.Tensor[] {
  return preserving(stateVariables, () => {
    const { grads } = tf.variableGrads(f, [...variables]);
    return variables.map(({ name, shape }) => grads[name] ?? tf.zeros(shape));
  });
}

function named<B>({ variables }: Objective<B>, tensors: readonly tf.Tensor[]): TensorMap {
  return Object.fromEntries(variables.map(({ name }, i) => [name, tensors[i]!]));
}

/**
 * v ↦ mean over batches of Jᵀ H J v, where `hessianOf` gives each batch's H; symmetric positive semi-definite where H is.
 * `method` is how Jv is taken.
 */
export function gaussNewtonProduct<B>(
  objective: Objective<B>,
  batches: SeededBatches<B>,
  hessianOf: (seeded: SeededBatch<B>) => OutputHessian,
  method: JacobianVectorMethod,
): Product {
  const space = new ParameterSpace(objective.variables);
  return (vector) => {
    const mean = new Float64Array(space.size);
    for (const seeded of batches) {
      const part = scoped(() => {
        const tangents = jacobianVector(objective, seeded, space.write(vector), method);
        const cotangents = hessianOf(seeded)(outputsOf(objective, seeded), tangents);
        return space.read(vectorJacobian(objective, seeded, cotangents));
      });
      for (let i = 0; i < mean.length; i++) mean[i]! += part[i]! / batches.length;
    }
    return mean;
  };
}

/** The Hessian of a batch's loss with respect to its outputs: in closed form where the loss has a name, else by differences. */
export function lossHessian<B>(objective: Objective<B>, { batch }: SeededBatch<B>): OutputHessian {
  if (objective.lossName !== undefined) return namedOutputHessian(objective.lossName);
  return differenceOutputHessian((outputs) => objective.loss(single(outputs), batch));
}

/**
 * The Hessian of the objective's divergence with respect to the next outputs, at equality of both predictions: in closed form
 * where the divergence has a name, else by differences.
 */
export function divergenceHessian<B>(objective: Objective<B>): OutputHessian {
  if (objective.divergenceName !== undefined) return namedOutputHessian(objective.divergenceName);
  return (outputs, tangents) =>
    differenceOutputHessian((next) => objective.divergence(single(next), single(outputs)))(outputs, tangents);
}

function single(outputs: readonly tf.Tensor[]): Outputs {
  return outputs.length === 1 ? outputs[0]! : [...outputs];
}

/**
 * `exact` where the double-VJP trick works for this network, else `difference`: tries it once on a batch.
 * The answer depends on the network's operators (max-pooling and convolutions have no second-order gradients), not on values.
 */
export function jacobianVectorMethod<B>(
  objective: Objective<B>,
  seeded: SeededBatch<B>,
): JacobianVectorMethod {
  try {
    tf.tidy(() => {
      const zero = Object.fromEntries(objective.variables.map(({ name, shape }) => [name, tf.zeros(shape)]));
      jacobianVector(objective, seeded, zero, 'exact');
    });
    return 'exact';
  } catch {
    return 'difference';
  }
}
