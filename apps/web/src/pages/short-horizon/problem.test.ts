import { describe, expect, it } from 'vitest';
import { createProblem, excessLoss, squaredErrors } from './problem.js';
import { FEATURES } from './settings.js';

const options = { noise: 0.5, condition: 100, batchSize: 4, seed: 3 };

describe('createProblem', () => {
  it('has variances from 1 to 1/κ in equal factors', () => {
    const { variances } = createProblem(options);
    expect(variances).toHaveLength(FEATURES);
    expect(variances[0]).toBe(1);
    expect(variances.at(-1)).toBeCloseTo(0.01, 12);
    for (let i = 2; i < FEATURES; i++) {
      expect(variances[i]! / variances[i - 1]!).toBeCloseTo(variances[1]!, 12);
    }
  });

  it('draws inputs of those variances, and targets xᵀθ* + σ ε', () => {
    const problem = createProblem({ ...options, batchSize: 4000 });
    const { inputs, targets } = problem.next();
    const squares = problem.variances.map((h, j) => {
      let sum = 0;
      for (let row = 0; row < 4000; row++) sum += inputs[row * FEATURES + j]! ** 2;
      return sum / 4000 / h;
    });
    let residuals = 0;
    for (let row = 0; row < 4000; row++) {
      const noiseless = problem.truth.reduce((sum, w, j) => sum + w * inputs[row * FEATURES + j]!, 0);
      residuals += (targets[row]! - noiseless) ** 2 / 4000;
    }
    // The mean of 4,000 squares of a standard normal has standard deviation √(2 / 4000) = .022.
    for (const ratio of [...squares, residuals / 0.25]) expect(Math.abs(ratio - 1)).toBeLessThan(0.11);
  });

  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number) => {
      const { truth, next } = createProblem({ ...options, seed });
      return { truth, batches: [next(), next()] };
    };
    expect(draw(3)).toEqual(draw(3));
    expect(draw(4)).not.toEqual(draw(3));
  });

  it.each([{ noise: -1 }, { condition: 0.5 }, { batchSize: 0 }, { noise: NaN }])('refuses %o', (wrong) => {
    expect(() => createProblem({ ...options, ...wrong })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

it('the excess loss is zero at θ*, and quadratic around it', () => {
  const problem = createProblem(options);
  expect(excessLoss(problem, problem.truth)).toBe(0);
  const moved = problem.truth.map((w, i) => (i === 2 ? w + 3 : w));
  expect(excessLoss(problem, moved)).toBeCloseTo(0.5 * problem.variances[2]! * 9, 10);
  expect(squaredErrors(problem, moved)[2]).toBeCloseTo(9, 10);
});
