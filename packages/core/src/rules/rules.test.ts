import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../index.js';
import { createObjective } from '../objective.js';
import { RuleOptimizer } from '../rule-optimizer.js';
import { leaked, testVariable, values } from '../../test/numeric.js';
import type { DirectionInput, RuleState, TensorMap, UpdateRule } from '../update-rule.js';
import { adam, adamw } from './adam.js';
import { momentum } from './momentum.js';
import { rmsprop } from './rmsprop.js';
import { sgd } from './sgd.js';

/** Σ x² from `start`, after each of `steps` steps. */
function trajectory(rule: UpdateRule, start: number[], steps: number): number[][] {
  const x = testVariable(tf.tensor1d(start), 'x');
  const objective = createObjective<null>({
    variables: [x],
    predict: () => x,
    loss: (output) => tf.sum(tf.square(output as tf.Tensor)),
  });
  const optimizer = new RuleOptimizer(objective, rule);
  const seen = Array.from({ length: steps }, () => {
    optimizer.step(null);
    return values(x);
  });
  optimizer.dispose();
  x.dispose();
  return seen;
}

/** The same path by one of TensorFlow.js's own optimizers. */
function reference(optimizer: tf.Optimizer, start: number[], steps: number): number[][] {
  const x = testVariable(tf.tensor1d(start), 'x');
  const seen = Array.from({ length: steps }, () => {
    optimizer.minimize(() => tf.sum(tf.square(x)), false, [x]);
    return values(x);
  });
  optimizer.dispose();
  x.dispose();
  return seen;
}

function expectClose(actual: number[][], expected: number[][], digits = 6): void {
  actual.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, digits)));
}

describe('golden numbers of Σ x²', () => {
  it('momentum(.1, .5): v = 2x, then .5 v + 2x', () => {
    // x₁ = x₀ − .1·2x₀ = .8 x₀; v₂ = .5·2x₀ + 2·.8x₀ = 2.6 x₀; x₂ = .8x₀ − .26x₀ = .54 x₀
    expectClose(trajectory(momentum({ learningRate: 0.1, momentum: 0.5 }), [1, 2], 2), [
      [0.8, 1.6],
      [0.54, 1.08],
    ]);
  });

  it('Nesterov(.1, .5)', () => {
    // x₁ = x₀ − .1 (2x₀ + .5·2x₀) = .7 x₀; v₂ = .5·2x₀ + 1.4x₀ = 2.4 x₀; x₂ = .7x₀ − .1 (1.4 + 1.2) x₀ = .44 x₀
    expectClose(trajectory(momentum({ learningRate: 0.1, momentum: 0.5, nesterov: true }), [1, 2], 2), [
      [0.7, 1.4],
      [0.44, 0.88],
    ]);
  });

  it('RMSprop(.1, decay .95, momentum .1)', () => {
    // s₁ = .05·(2x)², so the first step is .1/√.05 = .44721 whatever x
    const path = trajectory(rmsprop({ learningRate: 0.1, decay: 0.95, momentum: 0.1 }), [1, 2], 2);
    expectClose(path, [
      [0.5527865, 1.5527864],
      [0.2874418, 1.2294267],
    ]);
  });

  it('Adam(.1, .8, .9)', () => {
    // x = 2: g₁ = 4 moves it by the sign, to 1.9; then g₂ = 3.8, m̂ = 1.4/.36 = 3.88889, v̂ = 2.884/.19 = 15.17895,
    // 1.9 − .1 · 3.88889/3.89602 = 1.800183. x = 4 likewise: 3.9 − .1 · (2.84/.36)/√(11.844/.19) = 3.800083.
    expectClose(
      trajectory(adam({ learningRate: 0.1, beta1: 0.8, beta2: 0.9 }), [2, 4], 2),
      [
        [1.9, 3.9],
        [1.800183, 3.800083],
      ],
      5,
    );
  });
});

describe("paths of TensorFlow.js's own optimizers, 40 steps", () => {
  const start = [1.5, -0.3, 4];
  const cases: [string, UpdateRule, tf.Optimizer][] = [
    ['sgd', sgd({ learningRate: 0.05 }), tf.train.sgd(0.05)],
    ['momentum', momentum({ learningRate: 0.02 }), tf.train.momentum(0.02, 0.9)],
    ['nesterov', momentum({ learningRate: 0.02, nesterov: true }), tf.train.momentum(0.02, 0.9, true)],
    ['rmsprop', rmsprop({ learningRate: 0.01, decay: 0.9 }), tf.train.rmsprop(0.01, 0.9, 0, 1e-10)],
    [
      'rmsprop with momentum',
      rmsprop({ learningRate: 0.01, decay: 0.9, momentum: 0.5 }),
      tf.train.rmsprop(0.01, 0.9, 0.5, 1e-10),
    ],
    [
      'centred rmsprop',
      rmsprop({ learningRate: 0.01, decay: 0.9, centered: true }),
      tf.train.rmsprop(0.01, 0.9, 0, 1e-10, true),
    ],
    ['adam', adam({ learningRate: 0.03 }), tf.train.adam(0.03, 0.9, 0.999, 1e-8)],
  ];
  it.each(cases)('%s', (_, rule, optimizer) => {
    expectClose(trajectory(rule, start, 40), reference(optimizer, start, 40), 4);
  });
});

describe('AdamW', () => {
  it('decays the weights apart from the gradient: θ′ = θ − η (d + wθ)', () => {
    // The first Adam direction is the gradient's sign: 2 − .1 (1 + .5·2) = 1.8
    expectClose(trajectory(adamw({ learningRate: 0.1, weightDecay: 0.5 }), [2], 1), [[1.8]], 5);
  });

  it('without decay is Adam', () => {
    expectClose(
      trajectory(adamw({ learningRate: 0.1, weightDecay: 0 }), [2, 1], 5),
      trajectory(adam({ learningRate: 0.1 }), [2, 1], 5),
      7,
    );
  });
});

describe('committed lookahead', () => {
  it.each([
    ['momentum', momentum({ momentum: 0.8 })],
    ['nesterov', momentum({ momentum: 0.8, nesterov: true })],
    ['rmsprop with momentum', rmsprop({ momentum: 0.8, decay: 0 })],
  ] as const)('%s: the gradient for good, the old velocity for this step', (name, rule) => {
    tf.tidy(() => {
      const gradient = { w: tf.tensor1d([2, -3]) };
      const zero = { w: tf.zeros([2]) };
      const old = { w: tf.tensor1d([0.5, 1]) };
      // RMSprop with decay 0 normalises g to its sign, and a zero gradient to zero.
      const stateOf = (velocity: TensorMap): RuleState =>
        name.startsWith('rmsprop') ? { meanSquare: zero, velocity } : { velocity };
      const inputOf = (gradients: TensorMap, state: RuleState, step = 1): DirectionInput => ({
        variables: zero,
        gradients,
        state,
        step,
      });
      const committed = rule.committed!(inputOf(gradient, stateOf(old)));
      // Without any gradient, the old velocity moves θ by just the momentum part.
      const alone = values(rule.direction(inputOf(zero, stateOf(old))).direction['w']!);
      values(committed.momentum['w']!).forEach((value, i) => expect(value).toBeCloseTo(alone[i]!, 6));
      // From rest, this gradient and then none: all displacements together are the other part.
      let displacement = [0, 0];
      let current = rule.direction(inputOf(gradient, stateOf(zero)));
      for (let k = 2; k < 120; k++) {
        displacement = values(tf.add(displacement, current.direction['w']!));
        current = rule.direction(inputOf(zero, current.state, k));
      }
      displacement.forEach((value, i) => expect(values(committed.direction['w']!)[i]).toBeCloseTo(value, 4));
    });
  });
});

describe('hygiene', () => {
  it.each([
    ['sgd', () => sgd()],
    ['momentum', () => momentum()],
    ['rmsprop', () => rmsprop({ centered: true, momentum: 0.9 })],
    ['adam', () => adam()],
    ['adamw', () => adamw()],
  ] as const)('%s leaves no tensor behind', async (_, rule) => {
    expect(await leaked(() => void trajectory(rule(), [1, 2], 3))).toBe(0);
  });

  it('refuses options out of range, naming them', () => {
    expect(() => sgd({ learningRate: -1 })).toThrow(/learningRate is -1/);
    expect(() => momentum({ momentum: 1 })).toThrow(/momentum is 1/);
    expect(() => rmsprop({ decay: 1.5 })).toThrow(/decay is 1.5/);
    expect(() => adam({ beta2: NaN })).toThrow(/beta2 is NaN/);
  });
});
