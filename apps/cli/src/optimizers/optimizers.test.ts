import '@tensorflow/tfjs-backend-cpu';
import { createObjective } from '@apo/core';
import type { Objective } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createOptimizer } from './create.js';
import { optimizerNames, parseOptimizerName, ruleDescriptions } from './names.js';
import { flag } from './settings.js';
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
  it.each(optimizerNames)('%s moves towards the minimum and leaves nothing behind', (name) => {
    const before = tf.memory().numTensors;
    expect(valueAfter({ optimizer: name }, 3)).toBeLessThan(1);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('starts at the usual rate of each base', () => {
    // One step of SGD and of momentum is η·1; Adam's first direction is 1; RMSprop's is 1/√(1 − 0.99) = 10;
    // AdamW's is Adam's and 0.01·θ.
    expect(valueAfter({ optimizer: 'sgd' }, 1)).toBeCloseTo(1 - ruleDescriptions.sgd.learningRate, 6);
    expect(valueAfter({ optimizer: 'sgdm' }, 1)).toBeCloseTo(1 - ruleDescriptions.sgdm.learningRate, 6);
    expect(valueAfter({ optimizer: 'adam' }, 1)).toBeCloseTo(1 - ruleDescriptions.adam.learningRate, 6);
    expect(valueAfter({ optimizer: 'rmsprop' }, 1)).toBeCloseTo(
      1 - 10 * ruleDescriptions.rmsprop.learningRate,
      5,
    );
    expect(valueAfter({ optimizer: 'adamw' }, 1)).toBeCloseTo(
      1 - 1.01 * ruleDescriptions.adamw.learningRate,
      6,
    );
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

describe('names', () => {
  it('are parsed', () => {
    expect(parseOptimizerName('rmsprop-apo')).toEqual({ base: 'rmsprop', adapted: true });
    expect(parseOptimizerName('sgdm')).toEqual({ base: 'sgdm', adapted: false });
    expect(flag('metaLearningRate')).toBe('--meta-learning-rate');
  });
});
