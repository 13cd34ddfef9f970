import * as tf from '@tensorflow/tfjs-core';
import { Apo, createObjective, metaAdam } from '@apo/core';
import type { ApoOptions, Objective } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { freshPrefix, leaked, values } from '../test/tensors.js';
import { fullPreconditioner } from './full-preconditioner.js';
import type { FullPreconditionerOptions } from './full-preconditioner.js';

/** f(x, y) = (1 − x)² + 100 (y − x²)² from (1, −1.5), where it is 625; x and y are variables of their own. */
function rosenbrock(): { objective: Objective<null>; value: () => number; dispose: () => void } {
  const at = freshPrefix();
  const [x, y] = [1, -1.5].map((start, i) =>
    tf.tidy(() => tf.variable(tf.scalar(start), true, `${at}${'xy'[i]!}`)),
  ) as [tf.Variable, tf.Variable];
  const objective = createObjective<null>({
    variables: [x, y],
    predict: () => tf.stack([tf.sub(1, x), tf.mul(tf.sub(y, tf.square(x)), 10)]),
    loss: (residuals) => tf.sum(tf.square(residuals as tf.Tensor)),
  });
  const value = (): number => tf.tidy(() => values(objective.loss(objective.predict(null, false), null))[0]!);
  return { objective, value, dispose: () => tf.dispose([x, y]) };
}

/** f after each of the given numbers of steps. */
function run(rule: FullPreconditionerOptions, options: ApoOptions, at: readonly number[]): number[] {
  const { objective, value, dispose } = rosenbrock();
  const apo = new Apo(objective, fullPreconditioner(rule), options);
  const reached = at.map((steps) => {
    while (apo.steps < steps) apo.step(null);
    return value();
  });
  apo.dispose();
  dispose();
  return reached;
}

describe('Rosenbrock’s function', () => {
  // The curvature at the start is 2 + 1200 x² − 400 y = 1802, so P₀ = I is far too long; 1e−3 is just stable.
  const paper = {
    preset: 'paper',
    interval: 1,
    warmup: false,
    scale: 1,
    lambdaFsd: 0,
    lambdaWsd: 0,
  } as const;
  const adam = metaAdam({ learningRate: 3e-4, beta2: 0.9 });

  it('P = C Cᵀ, Adam 3e−4 with β₂ = 0.9, K = 1: below 1e−6 at step 800, at the floor of float32 by step 2,000', () => {
    const rule = { learnedScale: false, initialScale: 1e-3 } as const;
    const [early, late] = run(rule, { ...paper, metaOptimizer: adam }, [800, 2000]);
    expect(early!).toBeLessThan(1e-6);
    // One unit in the last place of y near 1 is 6e−8: 100 (6e−8)² = 3.6e−13.
    expect(late!).toBeLessThanOrEqual(1e-12);
  });

  it('gradient descent at the best fixed rate is nowhere near', () => {
    // P frozen: the meta-rate is too small to move it.
    const frozen = metaAdam({ learningRate: 1e-30 });
    const ends = [2e-4, 5e-4, 1e-3].map(
      (initialScale) =>
        run({ learnedScale: false, initialScale }, { ...paper, metaOptimizer: frozen }, [800])[0]!,
    );
    const finite = ends.filter(Number.isFinite);
    expect(finite).not.toEqual([]);
    expect(Math.min(...finite)).toBeGreaterThan(1e-3);
  });

  it.each([true, false])('the preset auto, factored: %s, needs no initial scale', (factored) => {
    const ends = [1e-6, 1, 100].map((initialScale) => run({ factored, initialScale }, {}, [300])[0]!);
    for (const end of ends) expect(end).toBeLessThan(1);
    // Calibration finds the same η from everywhere, and the runs are one.
    expect(Math.max(...ends) / Math.min(...ends)).toBeLessThan(1.5);
  });
});

describe('a run with a dense P', () => {
  it('leaves no tensor behind and is the same again', async () => {
    const seen: number[][] = [];
    const lost = await leaked(() => {
      seen.push(run({ momentum: 0.5 }, {}, [5, 10]), run({ momentum: 0.5 }, {}, [5, 10]));
    });
    expect(lost).toBe(0);
    expect(seen[0]).toEqual(seen[1]);
  });
});
