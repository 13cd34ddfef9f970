import '@tensorflow/tfjs-backend-cpu';
import { createObjective, precisions, roundTo } from '@apo/core';
import type { Objective } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createOptimizer } from './create.js';
import { flag } from './flag.js';
import { isBaseline, optimizerNames, parseOptimizerName, usualRates } from './names.js';
import { preconditionerForms } from './settings.js';
import type { OptimizerSettings } from './settings.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** ½ θ² of one variable that starts at 1: the gradient is θ. */
function withObjective<T>(body: (objective: Objective<null>, theta: tf.Variable) => T): T {
  const theta = tf.tidy(() => tf.variable(tf.tensor1d([1]), true, 'theta'));
  const objective = createObjective<null>({
    variables: [theta],
    predict: () => tf.reshape(theta, [1, 1]),
    loss: (outputs) => tf.mul(tf.sum(tf.square(outputs as tf.Tensor)), 0.5),
  });
  try {
    return body(objective, theta);
  } finally {
    theta.dispose();
  }
}

/** θ after `steps` steps. */
function valueAfter(
  settings: Partial<OptimizerSettings> & Pick<OptimizerSettings, 'optimizer'>,
  steps: number,
): number {
  return withObjective((objective, theta) => {
    const optimizer = createOptimizer(objective, { seed: 0, ...settings });
    for (let i = 0; i < steps; i++) optimizer.step(null);
    optimizer.dispose();
    return theta.dataSync()[0]!;
  });
}

describe('createOptimizer', () => {
  it.each(optimizerNames.filter((name) => !isBaseline(name)))(
    '%s moves towards the minimum and leaves nothing behind',
    (name) => {
      const before = tf.memory().numTensors;
      expect(valueAfter({ optimizer: name }, 3)).toBeLessThan(1);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('starts at the usual rate of each base', () => {
    // One step of SGD and of momentum is η·1; Adam's first direction is 1; RMSprop's is 1/√(1 − 0.99) = 10;
    // AdamW's is Adam's and 0.01·θ.
    expect(valueAfter({ optimizer: 'sgd' }, 1)).toBeCloseTo(1 - usualRates.sgd, 6);
    expect(valueAfter({ optimizer: 'sgdm' }, 1)).toBeCloseTo(1 - usualRates.sgdm, 6);
    expect(valueAfter({ optimizer: 'adam' }, 1)).toBeCloseTo(1 - usualRates.adam, 6);
    expect(valueAfter({ optimizer: 'rmsprop' }, 1)).toBeCloseTo(1 - 10 * usualRates.rmsprop, 5);
    expect(valueAfter({ optimizer: 'adamw' }, 1)).toBeCloseTo(1 - 1.01 * usualRates.adamw, 6);
  });

  it('hands the options of the rule on', () => {
    // Heavy ball at η = 0.1, μ = 0.5: θ = 1 − 0.1 = 0.9, then 0.9 − 0.1 (0.5 + 0.9) = 0.76.
    const rule = { optimizer: 'sgdm', learningRate: 0.1, momentum: 0.5 } as const;
    expect(valueAfter(rule, 2)).toBeCloseTo(0.76, 6);
    // Nesterov: 1 − 0.1 (1 + 0.5) = 0.85; velocity 0.5 + 0.85 = 1.35; 0.85 − 0.1 (0.85 + 0.675) = 0.6975.
    expect(valueAfter({ ...rule, nesterov: true }, 2)).toBeCloseTo(0.6975, 6);
    // AdamW with decay 1: 1 − 0.1 (1 + 1) = 0.8.
    expect(valueAfter({ optimizer: 'adamw', learningRate: 0.1, weightDecay: 1 }, 1)).toBeCloseTo(0.8, 6);
  });

  it('keeps the preset of the meta-optimizer when only its rate is given', () => {
    // The preset auto is bias-corrected: its first step is the meta-rate itself, η = 1e-4 · e^0.05, since ∂Q/∂log η < 0.
    const settings = { optimizer: 'sgd-apo', learningRate: 1e-4, metaLearningRate: 0.05 } as const;
    const auto = valueAfter({ ...settings, calibrate: false, lambdaFsd: 0 }, 1);
    expect((1 - auto) / 1e-4).toBeCloseTo(Math.exp(0.05), 2);
    // The preset paper is not: its first step is 1/√(1 − 0.99) = 10 times as long.
    const paper = valueAfter({ ...settings, preset: 'paper', lambdaFsd: 0 }, 1);
    expect((1 - paper) / 1e-4).toBeCloseTo(Math.exp(0.5), 2);
  });
});

describe('apo-precond', () => {
  const fixed = {
    optimizer: 'apo-precond',
    learnedScale: 'none',
    learningRate: 0.25,
    calibrate: false,
  } as const;

  // P₀ = 0.25·I, and Adam's first step of a rate of 1e−20 does not move it: θ = 1 − 0.25 in whatever form.
  it.each(preconditionerForms)('--form %s starts as SGD', (form) => {
    expect(valueAfter({ ...fixed, form, metaLearningRate: 1e-20, lambdaFsd: 0 }, 1)).toBeCloseTo(0.75, 6);
  });

  it('hands the options of the meta-objective on', () => {
    // P = C² in one dimension, C₀ = ½. θ′ = ¾, v = θ′: ∂Q/∂C = −2·C·v < 0, and Adam's first step is its rate: C = 0.6.
    const moved = { ...fixed, form: 'dense', metaLearningRate: 0.1, lambdaFsd: 0 } as const;
    expect(valueAfter(moved, 1)).toBeCloseTo(1 - 0.36, 4);
    // Half of every step; the first one is another optimizer's.
    expect(valueAfter({ ...moved, scale: 0.5 }, 1)).toBeCloseTo(1 - 0.18, 4);
    expect(valueAfter({ ...moved, warmupSteps: 1, warmupLearningRate: 0.1 }, 1)).toBeCloseTo(0.9, 6);
    // The preset paper has a warm-up and a scale of its own, which are options too.
    const paper = { ...moved, preset: 'paper', lambdaWsd: 0 } as const;
    expect(valueAfter(paper, 1)).toBeCloseTo(1 - 0.01, 6);
    expect(valueAfter({ ...paper, warmupSteps: 0, scale: 1 }, 1)).toBeCloseTo(1 - 0.36, 4);
  });

  it.each(precisions)('in %s θ is a number of that format', (precision) => {
    const value = valueAfter({ ...fixed, learningRate: 0.3, precision, lambdaFsd: 0 }, 1);
    const exact = tf.tidy(() => roundTo(tf.scalar(value), precision).dataSync()[0]!);
    expect(value).toBe(exact);
    expect(value).not.toBeCloseTo(0.7, 6);
    const master = valueAfter(
      { ...fixed, learningRate: 0.3, precision, masterCopies: true, lambdaFsd: 0 },
      1,
    );
    expect(master).not.toBe(exact);
  });

  it.each([
    [{ optimizer: 'sgd-apo', form: 'full' }, /--form belongs to the preconditioner/],
    [{ optimizer: 'apo-precond', form: 'full', rank: 4 }, /--rank is given, but --form full has none/],
    [{ optimizer: 'apo-precond', blockSize: 4 }, /--block-size is given, but --form low-rank has none/],
    [{ optimizer: 'apo-precond', form: 'dense', learnedScale: 'layer' }, /one block for all layers/],
    [{ optimizer: 'apo-precond', nesterov: true }, /--nesterov is given, but precond has no such form/],
    [{ optimizer: 'sgd', warmupSteps: 3 }, /--warmup-steps belongs to the meta-objective/],
    [{ optimizer: 'sgd', masterCopies: true }, /--master-copies is given without --precision/],
  ] as const)('refuses %j', (settings, message) => {
    expect(() => valueAfter(settings, 1)).toThrow(message);
  });
});

describe('names', () => {
  it('are parsed', () => {
    expect(parseOptimizerName('rmsprop-apo')).toEqual({ base: 'rmsprop', adapted: true });
    expect(parseOptimizerName('sgdm')).toEqual({ base: 'sgdm', adapted: false });
    expect(parseOptimizerName('gauss-newton')).toEqual({ base: 'gauss-newton', adapted: false });
    expect(parseOptimizerName('apo-precond')).toEqual({ base: 'precond', adapted: true });
    expect(flag('metaLearningRate')).toBe('--meta-learning-rate');
    expect(flag('metaBeta2')).toBe('--meta-beta2');
  });
});
