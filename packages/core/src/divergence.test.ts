import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { divergence, divergenceNames } from './divergence.js';
import type { DivergenceName } from './divergence.js';
import { leaked, values } from '../test/numeric.js';

const logits = {
  previous: [
    [0.3, -1.2, 2.1],
    [1.5, 0.2, -0.7],
  ],
  next: [
    [0.1, -0.4, 1.9],
    [2.5, -0.3, 0.4],
  ],
};
const softmax = (row: number[]): number[] => {
  const e = row.map(Math.exp);
  return e.map((x) => x / e.reduce((a, b) => a + b));
};
const sigmoid = (row: number[]): number[] => row.map((x) => 1 / (1 + Math.exp(-x)));
const mean = (rows: number[]): number => rows.reduce((a, b) => a + b) / rows.length;
/** Mean over rows of Σ_j term(p_j, q_j) in float64. */
const rowMean = (ps: number[][], qs: number[][], term: (p: number, q: number) => number): number =>
  mean(ps.map((p, i) => p.reduce((s, x, j) => s + term(x, qs[i]![j]!), 0)));
const kl = (p: number, q: number): number => p * Math.log(p / q);
const bernoulli = (p: number, q: number): number => kl(p, q) + kl(1 - p, 1 - q);

const cases: [DivergenceName, number[][], number[][], number][] = [
  [
    'softmax-kl-logits',
    logits.next,
    logits.previous,
    rowMean(logits.previous.map(softmax), logits.next.map(softmax), kl),
  ],
  [
    'softmax-kl',
    logits.next.map(softmax),
    logits.previous.map(softmax),
    rowMean(logits.previous.map(softmax), logits.next.map(softmax), kl),
  ],
  [
    'bernoulli-kl-logits',
    logits.next,
    logits.previous,
    rowMean(logits.previous.map(sigmoid), logits.next.map(sigmoid), bernoulli),
  ],
  [
    'bernoulli-kl',
    logits.next.map(sigmoid),
    logits.previous.map(sigmoid),
    rowMean(logits.previous.map(sigmoid), logits.next.map(sigmoid), bernoulli),
  ],
  [
    'squared-error',
    logits.next,
    logits.previous,
    rowMean(logits.previous, logits.next, (p, q) => (p - q) ** 2 / 2),
  ],
];

describe('divergences', () => {
  it.each(cases)('%s: the value that float64 arithmetic gives', (name, next, previous, expected) => {
    tf.tidy(() => {
      expect(values(divergence(name)(tf.tensor2d(next), tf.tensor2d(previous)))[0]).toBeCloseTo(expected, 5);
    });
  });

  it.each(cases)(
    '%s: the gradient in the new prediction equals central differences',
    (name, next, previous) => {
      tf.tidy(() => {
        const before = tf.tensor2d(previous);
        const gradient = values(tf.grad((x: tf.Tensor) => divergence(name)(x, before))(tf.tensor2d(next)));
        const at = (i: number, shift: number): number => {
          const moved = next.map((row) => [...row]);
          moved[Math.floor(i / 3)]![i % 3]! += shift;
          return values(divergence(name)(tf.tensor2d(moved), before))[0]!;
        };
        gradient.forEach((g, i) => {
          const difference = (at(i, 2e-3) - at(i, -2e-3)) / 4e-3;
          expect(Math.abs(g - difference)).toBeLessThan(0.01 * Math.max(1, Math.abs(difference)));
        });
      });
    },
  );

  it.each(divergenceNames)('%s: zero, with zero gradient, between equal predictions', (name) => {
    tf.tidy(() => {
      const same = tf.tensor2d([[0.2, 0.3, 0.5]]);
      const previous = tf.tensor2d([[0.2, 0.3, 0.5]]);
      expect(values(divergence(name)(same, same))[0]).toBeCloseTo(0, 6);
      const slope = values(tf.grad((x: tf.Tensor) => divergence(name)(x, previous))(same));
      // KL of probabilities has slope −p/q = −1 in every coordinate: orthogonal to the simplex, zero along it.
      if (name === 'softmax-kl') slope.forEach((g) => expect(g).toBeCloseTo(-1, 4));
      else slope.forEach((g) => expect(g).toBeCloseTo(0, 5));
    });
  });

  it.each([
    ['softmax-kl-logits', [[200, -200, 0]], [[-200, 200, 0]]],
    ['softmax-kl', [[1, 0, 0]], [[0, 1, 0]]],
    ['bernoulli-kl-logits', [[200, -200, 0]], [[-200, 200, 0]]],
    ['bernoulli-kl', [[1, 0, 1]], [[0, 1, 1]]],
  ] as [DivergenceName, number[][], number[][]][])(
    '%s: finite, with finite gradient, at saturated outputs',
    (name, next, previous) => {
      tf.tidy(() => {
        const before = tf.tensor2d(previous);
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => divergence(name)(x, before))(
          tf.tensor2d(next),
        );
        expect(values(value)[0]).toBeGreaterThan(1);
        expect([...values(value), ...values(grad)].every(Number.isFinite)).toBe(true);
      });
    },
  );

  it('sums over inner axes, and means over the first', () => {
    tf.tidy(() => {
      const [a, b] = [tf.ones([2, 3, 4]), tf.zeros([2, 3, 4])];
      expect(values(divergence('squared-error')(a, b))[0]).toBeCloseTo(6, 5); // ½ · 12 elements of 1
    });
  });

  it('leaves no tensor but its result, and refuses an unknown name', async () => {
    const [a, b] = [tf.ones([2, 3]), tf.ones([2, 3])];
    for (const name of divergenceNames) expect(await leaked(() => divergence(name)(a, b).dispose())).toBe(0);
    tf.dispose([a, b]);
    expect(() => divergence('kl' as DivergenceName)).toThrow(
      /Unknown divergence "kl"; expected one of softmax-kl-logits/,
    );
  });
});
