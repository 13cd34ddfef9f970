import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { LOG_LEARNING_RATE } from './learning-rate.js';
import { adamw } from './rules/adam.js';
import { momentum } from './rules/momentum.js';
import { sgd } from './rules/sgd.js';
import { leaked, values } from '../test/numeric.js';
import type { UpdateRule } from './update-rule.js';
import { automaticVjp, contract } from './vjp.js';

const shapes: Record<string, number[]> = {
  'a/kernel': [3, 4],
  'a/bias': [4],
  'b/kernel': [4, 2],
  'b/bias': [2],
};
const names = Object.keys(shapes);

function randomMap(seed: number): Record<string, tf.Tensor> {
  return Object.fromEntries(
    names.map((name, i) => [name, tf.randomNormal(shapes[name]!, 0, 1, 'float32', seed + i)]),
  );
}

const groupings: [string, UpdateRule, string[]][] = [
  ['global', sgd({ learningRate: 0.2 }), ['all']],
  ['layer', momentum({ learningRate: 0.2, groups: 'layer' }), ['a', 'b']],
  ['variable', sgd({ learningRate: 0.2, groups: 'variable' }), names],
  ['patterns', adamw({ learningRate: 0.2, groups: { bias: /bias$/ } }), ['other', 'bias']],
  ['function', sgd({ learningRate: 0.2, groups: (name) => name.slice(2) }), ['kernel', 'bias']],
];

describe('log learning rates as φ', () => {
  it.each(groupings)(
    '%s: the hand-written product equals central differences and the unrolled graph',
    (_, rule, labels) => {
      tf.tidy(() => {
        const variables = randomMap(1);
        const direction = randomMap(11);
        const cotangent = randomMap(21);
        const list = names.map((name) => ({ name, shape: shapes[name] }) as unknown as tf.Variable);
        expect(rule.learningRateGroups!(list)).toEqual(labels);
        // Different rates per group, so that a mixed-up group shows.
        const logRates = labels.map((__, i) => -1.5 + 0.4 * i);
        const phi = { [LOG_LEARNING_RATE]: tf.tensor1d(logRates) };
        const byHand = values(contract(rule, { variables, phi, direction, cotangent })[LOG_LEARNING_RATE]!);
        const unrolled = values(
          automaticVjp(rule, { variables, phi, direction, cotangent })[LOG_LEARNING_RATE]!,
        );
        // ⟨θ′, v⟩ in float64 from the definition θ′ = θ − e^{φ_g} d
        const groupOf = (name: string): number => {
          if (labels.length === 1) return 0;
          const found = labels.findIndex(
            (label) => name === label || name.startsWith(`${label}/`) || name.endsWith(`/${label}`),
          );
          return found === -1 ? labels.indexOf('other') : found;
        };
        const q = (g: number, value: number): number =>
          names.reduce((sum, name) => {
            const rate = Math.exp(groupOf(name) === g ? value : logRates[groupOf(name)]!);
            const [t, d, v] = [variables, direction, cotangent].map((map) => values(map[name]!));
            return sum + t!.reduce((s, x, i) => s + (x - rate * d![i]!) * v![i]!, 0);
          }, 0);
        labels.forEach((__, g) => {
          const difference = (q(g, logRates[g]! + 1e-4) - q(g, logRates[g]! - 1e-4)) / 2e-4;
          expect(Math.abs(byHand[g]! - difference)).toBeLessThanOrEqual(1e-3 * Math.abs(difference));
          expect(Math.abs(byHand[g]! - unrolled[g]!)).toBeLessThanOrEqual(1e-5 * Math.abs(unrolled[g]!));
        });
      });
    },
  );

  it('applies each group its own rate', () => {
    tf.tidy(() => {
      const rule = sgd({ groups: 'layer' });
      const zero = Object.fromEntries(names.map((name) => [name, tf.zeros(shapes[name]!)]));
      const one = Object.fromEntries(names.map((name) => [name, tf.ones(shapes[name]!)]));
      const next = rule.apply(zero, { [LOG_LEARNING_RATE]: tf.log(tf.tensor1d([0.5, 0.25])) }, one);
      expect(values(next['a/bias']!)[0]).toBeCloseTo(-0.5, 6);
      expect(values(next['b/kernel']!)[0]).toBeCloseTo(-0.25, 6);
    });
  });

  it('groups by a pattern with flags, and names groups in the order of φ whatever the names look like', () => {
    const named = (list: string[]): tf.Variable[] =>
      list.map((name) => ({ name, shape: [] }) as unknown as tf.Variable);
    const rule = sgd({ groups: { bias: /bias$/g } });
    expect(rule.learningRateGroups!(named(['a/bias', 'b/bias', 'c/bias']))).toEqual(['bias']);
    // Objects list integer-like names in ascending order; so must the labels.
    expect(sgd({ groups: 'variable' }).learningRateGroups!(named(['2000', '1700']))).toEqual([
      '1700',
      '2000',
    ]);
  });

  it('leaves no tensor behind', async () => {
    expect(
      await leaked(() => {
        tf.tidy(() => {
          const rule = sgd({ groups: 'variable' });
          const phi = { [LOG_LEARNING_RATE]: tf.zeros([4]) };
          const input = { variables: randomMap(1), phi, direction: randomMap(2), cotangent: randomMap(3) };
          contract(rule, input);
          automaticVjp(rule, input);
        });
      }),
    ).toBe(0);
  });

  it('refuses an empty group table', () => {
    expect(() => sgd({ groups: {} })).toThrow(/groups is an object/);
  });
});
