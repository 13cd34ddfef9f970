import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createObjective } from '@apo/core';
import { proximalPoint } from '@apo/baselines';
import { Matrix, solve } from 'ml-matrix';
import { describe, expect, it, test } from 'vitest';
import { features } from './features.js';
import { proximalStep, termsAt } from './proximal-step.js';
import type { StepProblem, Weights } from './proximal-step.js';
import { createRegression, dot, EXAMPLES, OTHER_INPUTS } from './regression.js';

const regression = createRegression();
const { x } = EXAMPLES[10]!;
const z = regression.coordinates(x);

function problem(y: number): StepProblem {
  const { singularValues, theta } = regression;
  return { singularValues, inputs: OTHER_INPUTS.length, z, residual: dot(theta, z) - y };
}

/** Prediction changes at the other inputs. */
const changes = (change: readonly number[]): number[] =>
  OTHER_INPUTS.map((input) => dot(change, regression.coordinates(input)));

const both: Weights = { lambdaFsd: 1, lambdaWsd: 1e-3 };

describe('the exact proximal step', () => {
  it.each([
    both,
    { lambdaFsd: 0, lambdaWsd: 0.1 },
    { lambdaFsd: 10, lambdaWsd: 0 },
    { lambdaFsd: 300, lambdaWsd: 3 },
  ])('is where the gradient of Q vanishes, by central differences: %o', (weights) => {
    const here = problem(1.8);
    const step = proximalStep(here, weights);
    const size = Math.hypot(...step);
    const slope = (at: readonly number[], i: number): number => {
      const h = 1e-4 * size;
      const moved = (by: number): number[] => at.map((value, j) => (j === i ? value + by : value));
      return (termsAt(here, weights, moved(h)).q - termsAt(here, weights, moved(-h)).q) / (2 * h);
    };
    const start = z.map(() => 0);
    const atStart = Math.hypot(...z.map((_, i) => slope(start, i)));
    const atStep = Math.hypot(...z.map((_, i) => slope(step, i)));
    // Q is quadratic, so a central difference is exact but for rounding.
    expect(atStep).toBeLessThan(1e-7 * atStart);
  });

  it('solves the normal equations of the network as it is written, with one weight a unit', () => {
    const phi = Matrix.columnVector(features(x));
    const others = new Matrix(OTHER_INPUTS.map(features));
    const { lambdaFsd, lambdaWsd } = both;
    const metric = others
      .transpose()
      .mmul(others)
      .mul(lambdaFsd / OTHER_INPUTS.length);
    const system = phi.mmul(phi.transpose()).add(metric).add(Matrix.eye(phi.rows).mul(lambdaWsd));
    const { residual } = problem(1.8);
    const dense = solve(system, phi.clone().mul(-residual));
    const expected = others.mmul(dense).getColumn(0);
    changes(proximalStep(problem(1.8), both)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 8);
    });
  });

  it('goes to θ as either weight grows, and to the target as both shrink', () => {
    const { residual } = problem(1.8);
    const moved = (weights: Weights): number => -dot(proximalStep(problem(1.8), weights), z) / residual;
    expect(moved({ lambdaFsd: 0, lambdaWsd: 1e9 })).toBeLessThan(1e-8);
    expect(moved({ lambdaFsd: 1e9, lambdaWsd: 0 })).toBeLessThan(1e-6);
    expect(moved({ lambdaFsd: 1e-6, lambdaWsd: 1e-9 })).toBeGreaterThan(0.999);
    expect(moved({ lambdaFsd: 0, lambdaWsd: 1e-9 })).toBeCloseTo(1, 8);
  });

  it('by WSD alone is the gradient step −r φ / (λ + ‖φ‖²): the change of f is the kernel', () => {
    const weights = { lambdaFsd: 0, lambdaWsd: 0.3 };
    const here = problem(-1);
    const scale = -here.residual / (0.3 + dot(features(x), features(x)));
    changes(proximalStep(here, weights)).forEach((value, i) => {
      expect(value).toBeCloseTo(scale * dot(features(x), features(OTHER_INPUTS[i]!)), 9);
    });
  });

  it('WSD alone shifts the whole function, FSD alone carves a spike, both make a bump', () => {
    const { residual } = problem(1.8);
    const share = (weights: Weights): number[] =>
      changes(proximalStep(problem(1.8), weights)).map((value) => -value / residual);
    const away = (values: readonly number[], distance: number): number[] =>
      values.filter((_, i) => Math.abs(OTHER_INPUTS[i]! - x) > distance);
    const shift = share({ lambdaFsd: 0, lambdaWsd: 1e-2 });
    const spike = share({ lambdaFsd: 1, lambdaWsd: 0 });
    const bump = share(both);
    expect(Math.min(...shift)).toBeGreaterThan(0.7);
    expect(Math.max(...spike)).toBeGreaterThan(0.95);
    expect(Math.max(...away(spike, 0.05).map(Math.abs))).toBeLessThan(0.01);
    expect(Math.max(...bump)).toBeGreaterThan(0.85);
    expect(Math.max(...away(bump, 0.05))).toBeGreaterThan(0.4);
    expect(Math.max(...away(bump, 1).map(Math.abs))).toBeLessThan(0.05);
  });

  it('has the terms that its definition gives', () => {
    const step = proximalStep(problem(1.8), both);
    const { loss, functionChange, weightChange, q } = termsAt(problem(1.8), both, step);
    const { residual } = problem(1.8);
    expect(loss).toBeCloseTo(0.5 * (residual + dot(step, z)) ** 2, 12);
    const squares = changes(step).map((value) => 0.5 * value ** 2);
    expect(functionChange).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / OTHER_INPUTS.length, 9);
    expect(weightChange).toBeCloseTo(0.5 * Math.hypot(...step) ** 2, 9);
    expect(q).toBeCloseTo(loss + functionChange + 1e-3 * weightChange, 12);
    expect(q).toBeLessThan(
      termsAt(
        problem(1.8),
        both,
        z.map(() => 0),
      ).q,
    );
  });

  it.each([
    { lambdaFsd: 0, lambdaWsd: 0 },
    { lambdaFsd: -1, lambdaWsd: 2 },
    { lambdaFsd: NaN, lambdaWsd: 1 },
  ])('refuses %o', (weights) => {
    expect(() => proximalStep(problem(1), weights)).toThrow(RangeError);
  });
});

test('the step of @apo/baselines, float32 and iterative, agrees to three digits', async () => {
  await tf.setBackend('cpu');
  const lambdas = { lambdaFsd: 1, lambdaWsd: 0.1 };
  const target = 1.8;
  const before = tf.memory().numTensors;
  const theta = tf.tidy(() =>
    tf.variable(tf.tensor2d([...regression.theta], [regression.theta.length, 1]), true, 'theta'),
  );
  const objective = createObjective({
    variables: [theta],
    predict: ({ inputs }) => tf.matMul(inputs, theta),
    // ½ r², so that it is the loss of the page.
    loss: 'squared-error',
  });
  const batch = { inputs: tf.tensor2d([z]), targets: tf.tensor2d([[target]]) };
  const inputs = tf.tensor2d(OTHER_INPUTS.map(regression.coordinates));
  const other = { inputs, targets: tf.zeros([OTHER_INPUTS.length, 1]) };
  const optimizer = proximalPoint(objective, lambdas);
  optimizer.step(batch, other);
  const change = Array.from(await theta.data(), (value, i) => value - regression.theta[i]!);
  optimizer.dispose();
  tf.dispose([theta, batch, other]);
  expect(tf.memory().numTensors).toBe(before);
  const exact = changes(proximalStep(problem(target), lambdas));
  changes(change).forEach((value, i) => expect(Math.abs(value - exact[i]!)).toBeLessThan(2e-3));
});
