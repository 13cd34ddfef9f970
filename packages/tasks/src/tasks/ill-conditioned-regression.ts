/**
 * A two-layer linear network 6 → 6 → 10 that has to become a matrix A with condition number 10¹⁰, from fresh Gaussian
 * batches (the problem by which Rahimi & Recht showed first-order methods their limits, NIPS 2017).
 */
import { createObjective, createRandom, requireInteger, requireNumber } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { linearSource } from '../data/linear-source.js';
import { logSpacedSingularValues, matrixWithSingularValues } from '../data/orthogonal.js';
import type { Matrix } from '../data/orthogonal.js';
import { mlp } from '../models/mlp.js';
import type { Model } from '../models/model.js';
import type { Evaluation, Task, TaskInstance, TaskLoadOptions } from './task.js';

const INPUTS = 6;
const OUTPUTS = 10;
const BATCH_SIZE = 100;

/** Told apart from the weights' generator, which starts from the same seed. */
const DATA_STREAM = 0x5eed;

export interface IllConditionedOptions extends TaskLoadOptions {
  /** κ(A): the largest over the smallest singular value; default 10¹⁰. */
  readonly condition?: number;
  /** Of A; default 0. `seed` changes the initial weights only. */
  readonly matrixSeed?: number;
}

/**
 * Variables `dense1/kernel` `[6, 6]` = W₁ᵀ and `dense2/kernel` `[6, 10]` = W₂ᵀ, Glorot uniform, no biases. A `[10, 6]` has
 * random singular vectors and singular values from 1 to 1/κ, equally spaced on a logarithmic scale. The loss is
 * ½ ‖W₂W₁x − Ax‖², averaged over the batch; its divergence is ½ squared error.
 *
 * Evaluations, of either split, are exact: E ½ ‖W₂W₁x − Ax‖² = ½ ‖W₂W₁ − A‖² over x ~ N(0, I), in float64.
 *
 * What float32 can see: singular direction i costs ½ σᵢ² while it is not learned. An output has a root mean square of
 * .3 and is computed with a rounding error of about one unit of float32 (6·10⁻⁸) of that, so the loss of perfect weights
 * is about ½ · 10 · (.3 · 6·10⁻⁸)² = 2·10⁻¹⁵ (measured: 1.4 to 4.3·10⁻¹⁵). Directions down to σ = 10⁻⁶ (5·10⁻¹³) are
 * visible, those of 10⁻⁸ (5·10⁻¹⁷) and 10⁻¹⁰ are not.
 */
export const illConditionedRegression: Task<SupervisedBatch, IllConditionedOptions> = {
  name: 'ill-conditioned-regression',
  description: 'Two-layer linear network 6-6-10 fitted to y = Ax with condition number 1e10; no data.',
  kind: 'regression',
  needsStore: false,
  defaults: { batchSize: BATCH_SIZE, steps: 3000, interval: 10, trainLossExamples: 1 },
  load: (options) => Promise.resolve().then(() => load(options)),
};

function load(options: IllConditionedOptions = {}): TaskInstance<SupervisedBatch> {
  const { seed = 0, name, condition = 1e10, matrixSeed = 0 } = options;
  requireNumber('condition', condition, { min: 1 });
  const singularValues = logSpacedSingularValues(INPUTS, condition);
  const matrix = matrixWithSingularValues(OUTPUTS, INPUTS, singularValues, createRandom(matrixSeed));
  const model = mlp({
    sizes: [INPUTS, INPUTS, OUTPUTS],
    activation: 'linear',
    bias: false,
    seed,
    ...(name !== undefined && { name }),
  });
  return {
    objective: createObjective({
      variables: model.variables,
      predict: ({ inputs }: SupervisedBatch) => model.predict(inputs),
      loss: 'squared-error',
    }),
    variables: model.variables,
    trainSource: (sourceSeed, batchSize = BATCH_SIZE) =>
      linearSource(matrix, { batchSize, seed: sourceSeed + DATA_STREAM }),
    async evaluate(_split, limit) {
      if (limit !== undefined) requireInteger('limit', limit, 1);
      return expectedLoss(model, matrix);
    },
    dispose: () => model.dispose(),
  };
}

/** ½ ‖W₂W₁ − A‖² (Frobenius) at the current weights. */
async function expectedLoss({ variables }: Model, matrix: Matrix): Promise<Evaluation> {
  const [first, second] = await Promise.all(variables.map((variable) => variable.data()));
  let squares = 0;
  matrix.forEach((row, i) =>
    row.forEach((wanted, j) => {
      let product = 0;
      for (let k = 0; k < INPUTS; k++) product += first![j * INPUTS + k]! * second![k * OUTPUTS + i]!;
      squares += (product - wanted) ** 2;
    }),
  );
  return { loss: squares / 2, metrics: { meanSquaredError: squares / OUTPUTS }, examples: 1 };
}
