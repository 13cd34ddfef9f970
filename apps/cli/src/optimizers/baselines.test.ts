/** Optimizers of @apo/baselines built from options of the command line, on y = w·x with one weight: each first step by hand. */
import '@tensorflow/tfjs-backend-cpu';
import { createObjective } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { baselineDefaults } from './baseline-settings.js';
import { createOptimizer } from './create.js';
import { baselineNames } from './names.js';
import type { OptimizerSettings } from './settings.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Given = Partial<OptimizerSettings> & Pick<OptimizerSettings, 'optimizer'>;

/**
 * ½ (w·x − y)² averaged over x = 1, −1 with y = 0: J = ½ w², g = w, and the curvature of the loss, of ρ and of KFAC's factors
 * (A = E[x²] = 1; Γ is 1 with the exact Fisher) is 1. w starts at 1.
 */
function withLine<T>(
  body: (objective: Objective<SupervisedBatch>, w: tf.Variable, batch: SupervisedBatch) => T,
): T {
  const w = tf.tidy(() => tf.variable(tf.tensor2d([[1]]), true, 'line/kernel'));
  const batch = { inputs: tf.tensor2d([[1], [-1]]), targets: tf.zeros([2, 1]) };
  const objective = createObjective({
    variables: [w],
    predict: ({ inputs }: SupervisedBatch) => tf.matMul(inputs as tf.Tensor2D, w as unknown as tf.Tensor2D),
    loss: 'squared-error',
  });
  try {
    return body(objective, w, batch);
  } finally {
    tf.dispose([w, batch.inputs, batch.targets]);
  }
}

/** w after `steps` steps, and what was told. */
function trained(settings: Given, steps = 1): { readonly w: number; readonly told: readonly string[] } {
  return withLine((objective, w, batch) => {
    const told: string[] = [];
    const optimizer = createOptimizer(objective, { seed: 0, ...settings }, (text) => told.push(text));
    for (let i = 0; i < steps; i++) optimizer.step(batch);
    optimizer.dispose();
    return { w: w.dataSync()[0]!, told };
  });
}

const weight = (settings: Given, steps = 1): number => trained(settings, steps).w;

describe('createOptimizer, baselines', () => {
  it.each(baselineNames)(
    '%s moves towards the minimum, twice the same, and leaves nothing behind',
    (name) => {
      const before = tf.memory().numTensors;
      const w = weight({ optimizer: name }, 3);
      expect(Math.abs(w)).toBeLessThan(1);
      expect(weight({ optimizer: name }, 3)).toBe(w);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  const kfac = { optimizer: 'kfac', fisher: 'exact', learningRate: 0.5, klClip: 0, damping: 3 } as const;

  it('kfac: U = g / (A Γ + λ)', () => {
    // λ = 3 in the eigenbasis: 1 − 0.5 / (1 + 3).
    expect(weight({ ...kfac, dampingForm: 'exact' })).toBeCloseTo(1 - 0.5 / 4, 5);
    // Factored, π = 1: (1 + √3)².
    expect(weight(kfac)).toBeCloseTo(1 - 0.5 / (1 + Math.sqrt(3)) ** 2, 5);
    // η² U g ν² = κ: with U = ¼, ν = √(0.01 / (0.25 · 0.25)) = 0.4.
    expect(weight({ ...kfac, dampingForm: 'exact', klClip: 0.01 })).toBeCloseTo(1 - 0.5 * 0.25 * 0.4, 5);
    // The gradient becomes w + 2 w.
    expect(weight({ ...kfac, dampingForm: 'exact', weightDecay: 2 })).toBeCloseTo(1 - (0.5 * 3) / 4, 5);
    // Heavy ball over two steps at U = w / 4: 0.875, then 0.875 − 0.5 (0.5 · 0.25 + 0.875 / 4).
    expect(weight({ ...kfac, dampingForm: 'exact', momentum: 0.5 }, 2)).toBeCloseTo(0.703125, 5);
  });

  it('kfac and ekfac say how the variables are preconditioned', () => {
    expect(trained(kfac, 2).told).toEqual([expect.stringMatching(/line\/kernel.*Kronecker/s)]);
    expect(trained({ optimizer: 'ekfac' }, 2).told).toEqual([
      expect.stringMatching(/line\/kernel.*eigenbasis/s),
    ]);
  });

  it('ekfac: U = g / (E[g²] + λ)', () => {
    // The exact Fisher of one weight is E[x²] = 1 in any basis.
    const settings = { ...kfac, optimizer: 'ekfac' } as const;
    expect(weight(settings)).toBeCloseTo(1 - 0.5 / 4, 5);
  });

  it('shampoo: the length of the grafted step', () => {
    // One weight: the preconditioned direction is ±1, grafting gives it the length of the gradient.
    const settings = { optimizer: 'shampoo', learningRate: 0.25 } as const;
    expect(weight(settings)).toBeCloseTo(0.75, 5);
    // Without grafting L^(−¼) g R^(−¼) of a sum of one g² = 1.
    expect(weight({ ...settings, grafting: 'none', epsilon: 1e-9 })).toBeCloseTo(0.75, 5);
    // p = 1: L^(−1) g R^(−1) at g = 1, ε = 1: 1/(1 + 1)².
    expect(weight({ ...settings, grafting: 'none', rootExponent: 1, epsilon: 1 })).toBeCloseTo(
      1 - 0.25 / 4,
      4,
    );
  });

  it('hypergradient: η ← η + β ⟨g, g of before⟩', () => {
    const settings = { optimizer: 'hypergradient', learningRate: 0.1, hypergradientRate: 0.5 } as const;
    // 1 − 0.1 = 0.9; η = 0.1 + 0.5 · 0.9 · 1 = 0.55; 0.9 − 0.55 · 0.9 = 0.405.
    expect(weight(settings, 2)).toBeCloseTo(0.405, 5);
    // η (1 + 0.5) = 0.15: 0.9 − 0.15 · 0.9.
    expect(weight({ ...settings, hypergradientUpdate: 'multiplicative' }, 2)).toBeCloseTo(0.765, 5);
    // Adam's first direction is g / |g| whatever its length.
    expect(weight({ ...settings, learningRate: 0.2, hypergradientBase: 'adam' })).toBeCloseTo(0.8, 5);
  });

  it('prodigy: a first step of d₀ · √10', () => {
    // m = 0.1 d g and v = 0.001 d² g² without bias correction: 0.1 / √0.001 = √10 times d.
    const settings = { optimizer: 'prodigy', initialDistance: 0.01 } as const;
    expect(weight(settings)).toBeCloseTo(1 - 0.01 * Math.sqrt(10), 5);
    expect(weight({ ...settings, learningRate: 0.5 })).toBeCloseTo(1 - 0.005 * Math.sqrt(10), 5);
    expect(weight({ ...settings, weightDecay: 1 })).toBeCloseTo(1 - 0.01 * (Math.sqrt(10) + 1), 5);
  });

  it('the solvers: δ = −g / (curvature + damping)', () => {
    const one = { innerIterations: 5 };
    expect(weight({ ...one, optimizer: 'newton', damping: 1 })).toBeCloseTo(0.5, 3);
    expect(weight({ ...one, optimizer: 'gauss-newton', damping: 3 })).toBeCloseTo(0.75, 4);
    // η g / (G + damping).
    expect(weight({ ...one, optimizer: 'natural-gradient', learningRate: 0.5, damping: 1 })).toBeCloseTo(
      0.75,
      4,
    );
    expect(weight({ ...one, optimizer: 'hessian-free', damping: 1 })).toBeCloseTo(0.5, 4);
    // Minimiser of ½ w² + λ_FSD ½ (w − 1)² + λ_WSD ½ (w − 1)²: (λ_FSD + λ_WSD) / (1 + λ_FSD + λ_WSD).
    const point = { ...one, optimizer: 'proximal-point', lambdaFsd: 2, lambdaWsd: 1 } as const;
    expect(weight({ ...point, newtonIterations: 3 })).toBeCloseTo(0.75, 4);
    expect(weight({ optimizer: 'proximal-point', lambdaFsd: 2, lambdaWsd: 1 })).toBeCloseTo(0.75, 4);
  });

  it('damping that follows the model', () => {
    // The model is exact, so the ratio is 1: the second step of λ = 3 is taken with 3/1.5 = 2. 0.75, then 0.75 (1 − 1/3).
    const settings = { optimizer: 'gauss-newton', damping: 3, levenbergMarquardt: true } as const;
    expect(weight(settings, 2)).toBeCloseTo(0.5, 4);
    expect(weight({ ...settings, levenbergMarquardt: false }, 2)).toBeCloseTo(0.5625, 4);
    expect(weight({ optimizer: 'hessian-free', damping: 3, levenbergMarquardt: false }, 2)).toBeCloseTo(
      0.5625,
      4,
    );
  });

  it.each([
    [{ optimizer: 'sgd', damping: 1 }, /--damping is given, but sgd has no such option; it belongs to kfac/],
    [{ optimizer: 'ekfac', dampingForm: 'exact' }, /it belongs to kfac\./],
    [{ optimizer: 'kfac', maxBlockSize: 8 }, /--max-block-size belongs to the preconditioner/],
    [{ optimizer: 'kfac', lambdaFsd: 1 }, /--lambda-fsd belongs to the meta-objective/],
    [{ optimizer: 'kfac', precision: 'bf16' }, /kfac computes in float32/],
    [{ optimizer: 'prodigy', momentum: 0.5 }, /--momentum is given, but prodigy takes none/],
    [{ optimizer: 'newton', weightDecay: 0.5 }, /--weight-decay is given, but newton has no decay/],
    [{ optimizer: 'gauss-newton', learningRate: 1 }, /its step follows from --damping/],
    [{ optimizer: 'proximal-point', learningRate: 1 }, /its step follows from --lambda-fsd and --lambda-wsd/],
    [
      { optimizer: 'kfac', factorInterval: 4, inverseInterval: 6 },
      /inverseInterval is 6 and factorInterval 4/,
    ],
  ] as const)('refuses %j', (settings, message) => {
    expect(() => weight(settings)).toThrow(message);
  });

  it('shampoo has --max-block-size', () => {
    expect(weight({ optimizer: 'shampoo', maxBlockSize: 1 })).toBeLessThan(1);
    expect(() => weight({ optimizer: 'shampoo', maxBlockSize: 0 })).toThrow('maxBlockSize is 0');
  });
});

describe('baselineDefaults', () => {
  it('keeps the interval of inversions a multiple of the other', () => {
    const intervals = (given: Parameters<typeof baselineDefaults>[1]): unknown[] => {
      const { factorInterval, inverseInterval } = baselineDefaults('kfac', given);
      return [factorInterval, inverseInterval];
    };
    expect(intervals({})).toEqual([5, 20]);
    expect(intervals({ factorInterval: 3 })).toEqual([3, 12]);
    expect(intervals({ inverseInterval: 50 })).toEqual([5, 50]);
    expect(intervals({ inverseInterval: 8 })).toEqual([1, 8]);
    expect(baselineDefaults('shampoo', {})).toEqual({});
  });
});
