/**
 * Least squares with noisy targets and independent Gaussian features of different sizes: y = xᵀθ* + σ ε, x ~ N(0, diag h). Its expected
 * loss is known exactly, so a run on noisy batches can be judged without noise. In double precision, no tensors.
 */
import { createRandom, requireInteger, requireNumber } from '@apo/core';
import { FEATURES } from './settings.js';

export interface ProblemOptions {
  /** σ ≥ 0, standard deviation of the noise of the targets. */
  readonly noise: number;
  /** κ ≥ 1: the largest variance of a feature over the smallest. */
  readonly condition: number;
  readonly batchSize: number;
  /** Of θ* and of the batches. */
  readonly seed: number;
}

/** Examples as rows. */
export interface Examples {
  /** `[batchSize, FEATURES]`, row-major. */
  readonly inputs: Float32Array;
  /** `[batchSize]`. */
  readonly targets: Float32Array;
}

export interface Problem {
  /** h, variances of the features `[FEATURES]`, from 1 down to 1/κ in equal factors: the eigenvalues of the loss's Hessian. */
  readonly variances: readonly number[];
  /** θ*, the weights that the targets were made with `[FEATURES]`. Each direction holds the same share of the expected loss at θ = 0. */
  readonly truth: readonly number[];
  /** Fresh examples; the same ones in the same order for the same seed. */
  next(): Examples;
}

/** @throws ApoError `INVALID_ARGUMENT` for an option out of range. */
export function createProblem({ noise, condition, batchSize, seed }: ProblemOptions): Problem {
  requireNumber('noise', noise, { min: 0 });
  requireNumber('condition', condition, { min: 1 });
  requireInteger('batchSize', batchSize, 1);
  const random = createRandom(seed);
  const variances = Array.from({ length: FEATURES }, (_, i) => condition ** (-i / (FEATURES - 1)));
  const truth = variances.map((h) => random.normal() / Math.sqrt(h * FEATURES));
  return {
    variances,
    truth,
    next() {
      const inputs = new Float32Array(batchSize * FEATURES);
      const targets = new Float32Array(batchSize);
      for (let row = 0; row < batchSize; row++) {
        let target = 0;
        for (let j = 0; j < FEATURES; j++) {
          const x = Math.sqrt(variances[j]!) * random.normal();
          inputs[row * FEATURES + j] = x;
          target += x * truth[j]!;
        }
        targets[row] = target + noise * random.normal();
      }
      return { inputs, targets };
    },
  };
}

/** E ½ (xᵀθ − y)² − ½ σ² = ½ Σ hᵢ (θᵢ − θ*ᵢ)²: what there is still to gain at θ `[FEATURES]`. */
export function excessLoss({ variances, truth }: Problem, weights: ArrayLike<number>): number {
  return variances.reduce((sum, h, i) => sum + 0.5 * h * (weights[i]! - truth[i]!) ** 2, 0);
}

/** (θᵢ − θ*ᵢ)² `[FEATURES]`, where the recursions of horizon.ts start. */
export function squaredErrors({ truth }: Problem, weights: ArrayLike<number>): number[] {
  return truth.map((wanted, i) => (weights[i]! - wanted) ** 2);
}
