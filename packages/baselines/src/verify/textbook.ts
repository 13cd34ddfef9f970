/** The matrices of the textbook formulas in float64, from dense Jacobians and outputs that TensorFlow.js gave in float32: what the solvers are compared with. */
import * as tf from '@tensorflow/tfjs-core';
import type { LossName, Objective, SeededBatch, SupervisedBatch } from '@apo/core';
import { Matrix } from 'ml-matrix';
import { denseJacobian, flattenOutputs, outputsOf } from '../curvature/jacobian.js';
import { scoped } from '../curvature/scope.js';
import { cholesky, choleskySolve } from '../linalg/cholesky.js';

/** One example: its Jacobian `[outputs, parameters]`, and the gradient `[outputs, 1]` and Hessian `[outputs, outputs]` of its loss in the outputs. */
export interface Example {
  readonly jacobian: Matrix;
  readonly outputGradient: Matrix;
  readonly outputHessian: Matrix;
}

/** The examples of a batch whose outputs are `[examples, width]`. */
export function examplesOf(
  objective: Objective<SupervisedBatch>,
  loss: LossName,
  seeded: SeededBatch<SupervisedBatch>,
): Example[] {
  return scoped(() => {
    const { columns, values } = denseJacobian(objective, seeded);
    const outputs = outputsOf(objective, seeded);
    const [count, width] = outputs[0]!.shape as [number, number];
    const logits = flattenOutputs(outputs);
    const targets = flattenOutputs([targetsAs(loss, seeded.batch.targets, width)]);
    return Array.from({ length: count }, (_, n) => {
      const [from, to] = [n * width, (n + 1) * width];
      const { mean, hessian } = outputModel(loss, Array.from(logits.subarray(from, to)));
      return {
        jacobian: Matrix.from1DArray(width, columns, values.subarray(from * columns, to * columns)),
        outputGradient: Matrix.columnVector(mean.map((m, k) => m - targets[from + k]!)),
        outputHessian: hessian,
      };
    });
  });
}

function targetsAs(loss: LossName, targets: tf.Tensor, width: number): tf.Tensor {
  return loss === 'softmax-cross-entropy' ? tf.oneHot(targets, width) : targets;
}

/** The model's mean given the outputs y, and ∂mean/∂y, which is the Hessian of the loss and of the divergence at equality. */
function outputModel(loss: LossName, y: number[]): { mean: number[]; hessian: Matrix } {
  switch (loss) {
    case 'squared-error':
      return { mean: y, hessian: Matrix.eye(y.length) };
    case 'sigmoid-cross-entropy': {
      const p = y.map((x) => 1 / (1 + Math.exp(-x)));
      return { mean: p, hessian: Matrix.diag(p.map((q) => q * (1 - q))) };
    }
    case 'softmax-cross-entropy': {
      const top = Math.max(...y);
      const weights = y.map((x) => Math.exp(x - top));
      const total = weights.reduce((sum, w) => sum + w, 0);
      const p = weights.map((w) => w / total);
      const column = Matrix.columnVector(p);
      return { mean: p, hessian: Matrix.sub(Matrix.diag(p), column.mmul(column.transpose())) };
    }
  }
}

/** Mean over examples of Jᵀ H J: the Gauss–Newton matrix, and G of Eq. 34. */
export function gaussNewtonMatrix(examples: readonly Example[]): Matrix {
  return meanOf(
    examples.map(({ jacobian, outputHessian }) => jacobian.transpose().mmul(outputHessian).mmul(jacobian)),
  );
}

/** The gradient of each example, `[parameters, 1]`. */
export function exampleGradients(examples: readonly Example[]): Matrix[] {
  return examples.map(({ jacobian, outputGradient }) => jacobian.transpose().mmul(outputGradient));
}

/** The mean of matrices of one shape. */
export function meanOf(matrices: readonly Matrix[]): Matrix {
  const sum = matrices[0]!.clone();
  for (const matrix of matrices.slice(1)) sum.add(matrix);
  return sum.div(matrices.length);
}

/** factor · A + shift · I. */
export function damped(a: Matrix, factor: number, shift: number): Matrix {
  return Matrix.mul(a, factor).add(Matrix.eye(a.rows).mul(shift));
}

/** A⁻¹B for a symmetric positive definite A, by Cholesky with one step of refinement. */
export function solve(a: Matrix, b: Matrix): Matrix {
  const n = a.rows;
  const factor = cholesky(flat(a), n);
  const solveOnce = (right: Matrix): Matrix =>
    Matrix.from1DArray(n, b.columns, choleskySolve(factor, flat(right), n, { columns: b.columns }));
  const first = solveOnce(b);
  return Matrix.add(first, solveOnce(Matrix.sub(b, a.mmul(first))));
}

/** The entries, row after row. */
export function flat(matrix: Matrix): Float64Array {
  return Float64Array.from(matrix.to1DArray());
}
