/** J = ∂f/∂θ of one batch as products Jv and Jᵀu, and as a dense matrix for checks. The network runs in training mode with the dropout masks of its seed. */
import * as tf from '@tensorflow/tfjs-core';
import { atLookahead, preserving, requireArgument, withRandomSeed } from '@apo/core';
import type { Objective, SeededBatch, TensorMap } from '@apo/core';
import { differenceStep, directionalDifference } from './difference.js';
import { ParameterSpace, readValues } from './parameter-space.js';
import { scoped } from './scope.js';
import { norm } from './vector.js';

/**
 * How Jv is taken. `exact`: the derivative, with respect to u, of ⟨Jᵀu, v⟩, which is linear in u (the double-VJP trick); exact to
 * rounding, but the gradients of the network's operators must have gradients themselves. `difference`: a four-point central
 * difference of f along v; any network, about five digits, wrong across a kink of a ReLU.
 */
export type JacobianVectorMethod = 'exact' | 'difference';

/** f(x, θ), one tensor an output, without moving BatchNorm averages; the caller owns them. */
export function outputsOf<B>(objective: Objective<B>, { batch, seed }: SeededBatch<B>): tf.Tensor[] {
  return preserving(objective.stateVariables, () =>
    tf.tidy(() => {
      const outputs = withRandomSeed(seed, () => objective.predict(batch, true));
      // Copies: a prediction may be a tensor of the batch, or a variable.
      return (Array.isArray(outputs) ? outputs : [outputs]).map((output) => tf.clone(output));
    }),
  );
}

/** Jᵀu for cotangents u of the outputs' shapes, by variable name; the caller owns the result. */
export function vectorJacobian<B>(
  objective: Objective<B>,
  seeded: SeededBatch<B>,
  cotangents: readonly tf.Tensor[],
): TensorMap {
  return tf.tidy(() => {
    const { grads } = tf.variableGrads(
      () => inner(outputsOf(objective, seeded), cotangents),
      [...objective.variables],
    );
    return Object.fromEntries(
      objective.variables.map(({ name, shape }) => [name, grads[name] ?? tf.zeros(shape)]),
    );
  });
}

/** Jv for a tangent v by variable name (a missing one counts as zero), one tensor an output; the caller owns the result. */
export function jacobianVector<B>(
  objective: Objective<B>,
  seeded: SeededBatch<B>,
  tangent: TensorMap,
  method: JacobianVectorMethod,
): tf.Tensor[] {
  return method === 'exact'
    ? exactJacobianVector(objective, seeded, tangent)
    : differenceJacobianVector(objective, seeded, tangent);
}

function exactJacobianVector<B>(
  objective: Objective<B>,
  seeded: SeededBatch<B>,
  tangent: TensorMap,
): tf.Tensor[] {
  return tf.tidy(() => {
    const moving = objective.variables.filter(({ name }) => tangent[name] !== undefined);
    const start = outputsOf(objective, seeded).map((output) => tf.zerosLike(output));
    const derivative = tf.grads((...cotangents: tf.Tensor[]) => {
      const pulled = vectorJacobian(objective, seeded, cotangents);
      return inner(
        moving.map(({ name }) => pulled[name]!),
        moving.map(({ name }) => tangent[name]!),
      );
    });
    return derivative(start);
  });
}

function differenceJacobianVector<B>(
  objective: Objective<B>,
  seeded: SeededBatch<B>,
  tangent: TensorMap,
): tf.Tensor[] {
  return tf.tidy(() => {
    const { variables } = objective;
    const space = new ParameterSpace(variables);
    const [theta, v] = [space.current(), space.read(tangent)];
    const step = differenceStep(norm(theta), norm(v));
    if (step === 0) return outputsOf(objective, seeded).map((output) => tf.zerosLike(output));
    return directionalDifference(
      (offset) =>
        atLookahead(variables, space.write(theta.map((value, i) => value + offset * v[i]!)), () =>
          outputsOf(objective, seeded),
        ),
      step,
    );
  });
}

/** J as a dense row-major matrix: one row for every element of every output, in order, one column a parameter. */
export interface DenseJacobian {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** J row by row, one Jᵀe a row: for checks on small networks. @throws ApoError `INVALID_ARGUMENT` beyond ten million entries. */
export function denseJacobian<B>(objective: Objective<B>, seeded: SeededBatch<B>): DenseJacobian {
  return scoped(() => {
    const space = new ParameterSpace(objective.variables);
    const outputs = outputsOf(objective, seeded);
    const rows = outputs.reduce((total, { size }) => total + size, 0);
    requireArgument(
      rows * space.size <= 1e7,
      () =>
        `A dense Jacobian of ${rows} × ${space.size} was asked for; it is made for checks on small networks, so use jacobianVector and vectorJacobian.`,
    );
    const values = new Float64Array(rows * space.size);
    let row = 0;
    outputs.forEach((output, which) => {
      for (let element = 0; element < output.size; element++) {
        const gradient = scoped(() => {
          const unit = outputs.map((other, i) =>
            i === which ? unitTensor(other.shape, other.size, element) : tf.zerosLike(other),
          );
          return space.read(vectorJacobian(objective, seeded, unit));
        });
        values.set(gradient, space.size * row++);
      }
    });
    return { rows, columns: space.size, values };
  });
}

function unitTensor(shape: number[], size: number, element: number): tf.Tensor {
  const values = new Float32Array(size);
  values[element] = 1;
  return tf.tensor(values, shape);
}

/** Σ ⟨aᵢ, bᵢ⟩, a scalar. */
function inner(a: readonly tf.Tensor[], b: readonly tf.Tensor[]): tf.Scalar {
  return tf.addN(a.map((tensor, i): tf.Scalar => tf.sum(tf.mul(tensor, b[i]!))));
}

/** All outputs' values as one vector, in the order of the rows of `denseJacobian`. */
export function flattenOutputs(outputs: readonly tf.Tensor[]): Float64Array {
  return Float64Array.from(outputs.flatMap((output) => Array.from(readValues(output))));
}
