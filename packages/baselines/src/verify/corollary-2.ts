/** Corollary 2: where KFAC's assumptions are true, the preconditioner that minimises the meta-objective with λ_FSD = 1, λ_WSD = 0 is KFAC's, and it is one of Eq. 9. */
import * as tf from '@tensorflow/tfjs-core';
import type { LossName, Objective, SupervisedBatch } from '@apo/core';
import { Matrix } from 'ml-matrix';
import { ParameterSpace, readValues } from '../curvature/parameter-space.js';
import { addScaled } from '../curvature/vector.js';
import { Kfac } from '../kfac/kfac.js';
import { inverseRoot } from '../linalg/inverse-root.js';
import { check, relativeDistance } from './check.js';
import type { Check } from './check.js';
import { parallelLayers } from './parallel-layers.js';
import { minimalPreconditioner } from './preconditioner.js';
import { smallNetwork } from './small-network.js';
import { exampleGradients, examplesOf, flat, gaussNewtonMatrix, meanOf, solve } from './textbook.js';
import type { Example } from './textbook.js';

/** KFAC's factors of one layer with weights `[inputs + 1, units]`: E[x̄x̄ᵀ] and E[DsDsᵀ], Ds backpropagated from the model's own distribution. */
interface Factors {
  readonly input: Matrix;
  readonly output: Matrix;
}

/** What is left of float32 Jacobians after inverses; through several layers the condition numbers of both factors multiply. */
const TOLERANCE = { shallow: 1e-6, deep: 1e-4, optimizer: 1e-3 };
const EXAMPLES = 60;

/** Checks on a Gaussian and a Bernoulli network of parallel layers, and layer by layer on a deep linear one. */
export function verifyCorollary2(seed = 1): Check[] {
  return [
    ...parallel('squared-error', 'Gaussian outputs', seed),
    ...parallel('sigmoid-cross-entropy', 'Bernoulli outputs', seed),
    ...deepLinear(seed),
  ];
}

function parallel(loss: 'squared-error' | 'sigmoid-cross-entropy', title: string, seed: number): Check[] {
  const network = parallelLayers({ loss, examples: EXAMPLES, seed });
  try {
    const { objective, layers, batch } = network;
    const examples = examplesOf(objective, loss, { batch, seed: 0 });
    const inputs = Matrix.from1DArray(EXAMPLES, 5, Array.from(readValues(batch.inputs)));
    // H_ρ of every output: 1, or σ(0)(1 − σ(0)).
    const outputMetric = loss === 'squared-error' ? 1 : 0.25;
    const factors = layers.map(({ inputs: [from, width], readOut }) => ({
      input: inputFactor(inputs.subMatrix(0, EXAMPLES - 1, from, from + width - 1)),
      output: readOut.mmul(readOut.transpose()).mul(outputMetric),
    }));
    const gradients = exampleGradients(examples);
    const { onRange } = minimalPreconditioner(gradients, gaussNewtonMatrix(examples));
    const name = `two layers side by side, ${title}`;
    return [
      ...compare(name, onRange, factors, TOLERANCE.shallow),
      compareStep(name, onRange.mmul(meanOf(gradients)), kfacStep(objective, batch)),
    ];
  } finally {
    network.dispose();
  }
}

/** In a deep linear network x̄ and Ds are independent in each layer; P moves one layer at a time, so that layers are uncoupled. */
function deepLinear(seed: number): Check[] {
  // Of one width, or E[x̄x̄ᵀ] of a layer wider than its input, or E[DsDsᵀ] of one wider than its output, would be singular.
  const sizes = [3, 3, 3, 3];
  const loss: LossName = 'squared-error';
  const network = smallNetwork({ sizes, loss, examples: EXAMPLES, activation: 'linear', seed });
  try {
    const { objective, variables, batch } = network;
    // Near the identity, so that no layer is nearly singular.
    for (const variable of variables)
      if (variable.rank === 2) tf.tidy(() => variable.assign(tf.add(tf.eye(3), tf.mul(variable, 0.4))));
    const examples = examplesOf(objective, loss, { batch, seed: 0 });
    const kernels = sizes
      .slice(1)
      .map((units, l) => matrixOf(readValues(variables[2 * l]!), sizes[l]!, units));
    const biases = sizes.slice(1).map((units, l) => matrixOf(readValues(variables[2 * l + 1]!), 1, units));
    const blocks: Check[] = [];
    const steps: number[] = [];
    let activation = matrixOf(readValues(batch.inputs), EXAMPLES, sizes[0]!);
    let offset = 0;
    kernels.forEach((kernel, l) => {
      const size = (sizes[l]! + 1) * sizes[l + 1]!;
      const block = examples.map((example) => columnsOf(example, offset, size));
      offset += size;
      // ∂f/∂s: the product of the kernels above, [units, outputs].
      const above = kernels.slice(l + 1).reduce((c, next) => c.mmul(next), Matrix.eye(sizes[l + 1]!));
      const factors = [{ input: inputFactor(activation), output: above.mmul(above.transpose()) }];
      activation = activation.mmul(kernel).addRowVector(biases[l]!);
      const gradients = exampleGradients(block);
      const { onRange } = minimalPreconditioner(gradients, gaussNewtonMatrix(block));
      blocks.push(...compare(`layer ${l + 1} of a deep linear network`, onRange, factors, TOLERANCE.deep));
      steps.push(...onRange.mmul(meanOf(gradients)).to1DArray());
    });
    return [
      ...blocks,
      compareStep(
        'all layers of a deep linear network',
        Matrix.columnVector(steps),
        kfacStep(objective, batch),
      ),
    ];
  } finally {
    network.dispose();
  }
}

/** θ − θ′ of one step of the KFAC optimizer: exact Fisher, next to no damping, nothing else. */
function kfacStep(objective: Objective<SupervisedBatch>, batch: SupervisedBatch): Float64Array {
  const space = new ParameterSpace(objective.variables);
  const theta = space.current();
  const optimizer = new Kfac(objective, {
    learningRate: 1,
    momentum: 0,
    damping: 1e-8,
    klClip: false,
    fisher: 'exact',
    dampingForm: 'exact',
    workers: 0,
  });
  try {
    optimizer.step(batch);
  } finally {
    optimizer.dispose();
  }
  return addScaled(theta, -1, space.current());
}

function compareStep(title: string, expected: Matrix, step: Float64Array): Check {
  return check({
    verification: 'corollary-2',
    name: `Corollary 2, a step of the KFAC optimizer, ${title}`,
    compared: "the optimizer's own step (float32 factors, damping 1e-8) with P g: relative distance",
    error: relativeDistance(step, flat(expected)),
    tolerance: TOLERANCE.optimizer,
  });
}

/** P against the block-diagonal KFAC preconditioner, and against Eq. 9 with B = E[x̄x̄ᵀ]^−½, A = E[DsDsᵀ]^−½, S = 1. */
function compare(title: string, p: Matrix, factors: readonly Factors[], tolerance: number): Check[] {
  const kfac = blockDiagonal(
    factors.map(({ input, output }) => inverseOf(input).kroneckerProduct(inverseOf(output))),
  );
  const family = blockDiagonal(factors.map((pair) => structuredPreconditioner(pair)));
  return [
    check({
      verification: 'corollary-2',
      name: `Corollary 2, ${title}`,
      compared:
        'the minimiser of Q̂ over full P with E[x̄x̄ᵀ]⁻¹ ⊗ E[DsDsᵀ]⁻¹, KFAC without damping: relative Frobenius distance',
      error: relativeDistance(flat(p), flat(kfac)),
      tolerance,
    }),
    check({
      verification: 'corollary-2',
      name: `Eq. 9 contains it, ${title}`,
      compared:
        'the minimiser with U = B(S⊙S⊙(BᵀGA))Aᵀ at B = E[x̄x̄ᵀ]^−½, A = E[DsDsᵀ]^−½, S = 1: relative Frobenius distance',
      error: relativeDistance(flat(p), flat(family)),
      tolerance,
    }),
  ];
}

/** The matrix of G ↦ B(S⊙S⊙(BᵀGA))Aᵀ (Eq. 9) for row-major G `[m, n]`, column by column. */
function structuredPreconditioner({ input, output }: Factors): Matrix {
  const [m, n] = [input.rows, output.rows];
  const b = Matrix.from1DArray(m, m, inverseRoot(flat(input), m, 2));
  const a = Matrix.from1DArray(n, n, inverseRoot(flat(output), n, 2));
  const s = Matrix.ones(m, n);
  const columns = Matrix.zeros(m * n, m * n);
  for (let index = 0; index < m * n; index++) {
    const unit = Matrix.zeros(m, n);
    unit.set(Math.floor(index / n), index % n, 1);
    const r = b.transpose().mmul(unit).mmul(a);
    const t = Matrix.mul(Matrix.mul(s, s), r);
    columns.setColumn(index, b.mmul(t).mmul(a.transpose()).to1DArray());
  }
  return columns;
}

/** E[x̄x̄ᵀ], x̄ = (x, 1). */
function inputFactor(inputs: Matrix): Matrix {
  const rows = inputs.to2DArray().map((row) => Matrix.columnVector([...row, 1]));
  return meanOf(rows.map((row) => row.mmul(row.transpose())));
}

function inverseOf(a: Matrix): Matrix {
  return solve(a, Matrix.eye(a.rows));
}

function matrixOf(values: ArrayLike<number>, rows: number, columns: number): Matrix {
  return Matrix.from1DArray(rows, columns, Array.from(values));
}

/** An example as a function of `size` parameters from `offset` on, the others held. */
function columnsOf(example: Example, offset: number, size: number): Example {
  const { jacobian } = example;
  return { ...example, jacobian: jacobian.subMatrix(0, jacobian.rows - 1, offset, offset + size - 1) };
}

function blockDiagonal(blocks: readonly Matrix[]): Matrix {
  const size = blocks.reduce((total, { rows }) => total + rows, 0);
  const result = Matrix.zeros(size, size);
  let offset = 0;
  for (const block of blocks) {
    result.setSubMatrix(block, offset, offset);
    offset += block.rows;
  }
  return result;
}
