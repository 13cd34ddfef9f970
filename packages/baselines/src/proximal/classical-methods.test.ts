import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { l2 } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { regression } from '../testing/regression.js';
import { gaussNewton, gradientDescent, naturalGradient, newton, proximalPoint } from './classical-methods.js';
import { proximalSolver } from './proximal-optimizer.js';
import type { ProximalOptimizer } from './proximal-optimizer.js';

/** θ after one step. */
function stepOf(
  make: (objective: Objective<SupervisedBatch>) => ProximalOptimizer<SupervisedBatch>,
): number[] {
  const { theta, objective, batch, other, dispose } = regression();
  const optimizer = make(objective);
  optimizer.step(batch, other);
  const values = Array.from(theta.dataSync());
  optimizer.dispose();
  dispose();
  return values;
}

function expectClose(actual: readonly number[], expected: readonly number[], digits = 4): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits));
}

describe('one step on two parameters, by hand', () => {
  it('gradient descent: θ − η g', () => {
    expectClose(
      stepOf((o) => gradientDescent(o, { learningRate: 0.1 })),
      [0.425, 0.05],
      6,
    );
  });

  it('Newton and Gauss–Newton reach the minimum of a quadratic: X⁻¹t = [1, −1]', () => {
    expectClose(
      stepOf((o) => newton(o)),
      [1, -1],
      3,
    );
    expectClose(
      stepOf((o) => gaussNewton(o, { damping: 0 })),
      [1, -1],
    );
  });

  it('damped Newton: (H + I)⁻¹g = [[3, −1], [−1, 2]] g / 5 = [.05, .65]', () => {
    expectClose(
      stepOf((o) => newton(o, { damping: 1 })),
      [0.45, -0.4],
      3,
    );
    expectClose(
      stepOf((o) => gaussNewton(o, { damping: 1 })),
      [0.45, -0.4],
    );
  });

  it('natural gradient: G⁻¹g = 3/2 [[1, −1], [−1, 5/3]] g = [−1.875, 3.875], times η = .1', () => {
    expectClose(
      stepOf((o) => naturalGradient(o, { learningRate: 0.1, damping: 0 })),
      [0.6875, -0.1375],
    );
  });

  it('damped natural gradient: (G + I)⁻¹g = 3/13 [[2, −1], [−1, 8/3]] g = [−.11538, 1.05769]', () => {
    expectClose(
      stepOf((o) => naturalGradient(o, { damping: 1 })),
      [0.615385, -0.807692],
    );
  });

  it('proximal point: (H + .3 G + .1 I)⁻¹g = [−.8, 2.225]/2.15, exact and by quadratics alike', () => {
    const expected = [0.5 + 0.8 / 2.15, 0.25 - 2.225 / 2.15];
    expectClose(
      stepOf((o) => proximalPoint(o, { lambdaFsd: 0.3, lambdaWsd: 0.1 })),
      expected,
    );
    for (const loss of ['second-order', 'gauss-newton', 'exact'] as const)
      for (const fsd of ['second-order', 'exact'] as const)
        expectClose(
          stepOf((o) => proximalSolver(o, { loss, fsd, lambdaFsd: 0.3, lambdaWsd: 0.1 })),
          expected,
          3,
        );
  });

  it('without B′ the batch itself is used: θ − ½ H⁻¹g when H = G and λ_FSD = 1', () => {
    const { theta, objective, batch, dispose } = regression();
    proximalSolver(objective, { loss: 'exact', fsd: 'exact', lambdaFsd: 1 }).step(batch);
    expectClose(Array.from(theta.dataSync()), [0.75, -0.375]);
    dispose();
  });

  it('differences in place of closed-form Hessians and of the double-VJP trick change nothing', () => {
    const unnamed = (objective: Objective<SupervisedBatch>): Objective<SupervisedBatch> => {
      const { lossName, divergenceName, ...rest } = objective;
      expect([lossName, divergenceName]).toEqual(['squared-error', 'squared-error']);
      return rest;
    };
    expectClose(
      stepOf((o) => gaussNewton(unnamed(o), { damping: 1, jacobianVector: 'difference' })),
      [0.45, -0.4],
      3,
    );
    const damped = [0.615385, -0.807692];
    expectClose(
      stepOf((o) => naturalGradient(unnamed(o), { damping: 1 })),
      damped,
      3,
    );
    expectClose(
      stepOf((o) => naturalGradient(unnamed(o), { damping: 1, divergenceHessian: 'squared-error' })),
      damped,
    );
  });

  it('counts a regulariser in the curvature: (H + I)⁻¹(g + θ) for ½‖θ‖²', () => {
    // g + θ = [1.25, 2.25]; [[3, −1], [−1, 2]] / 5 → [.3, .65]
    const { theta, objective, batch, dispose } = regression();
    const decayed: Objective<SupervisedBatch> = { ...objective, regularizer: l2([theta], 1) };
    gaussNewton(decayed, { damping: 0 }).step(batch);
    expectClose(Array.from(theta.dataSync()), [0.2, -0.4], 3);
    dispose();
  });

  it('the schedule multiplies the displacement, and the clip changes the gradient', () => {
    expectClose(
      stepOf((o) => gradientDescent(o, { learningRate: 0.1, schedule: () => 0.5 })),
      [0.4625, 0.15],
      6,
    );
    const halved = (g: Record<string, tf.Tensor>): Record<string, tf.Tensor> =>
      Object.fromEntries(Object.entries(g).map(([name, tensor]) => [name, tf.mul(tensor, 0.5)]));
    expectClose(
      stepOf((o) => gradientDescent(o, { learningRate: 0.1, clip: halved })),
      [0.4625, 0.15],
      6,
    );
  });
});
