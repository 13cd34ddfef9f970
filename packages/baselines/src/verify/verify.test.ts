import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { sgd } from '@apo/core';
import type { UpdateRule } from '@apo/core';
import { Matrix } from 'ml-matrix';
import { leaked, seededVector } from '../testing/evidence.js';
import { check, relativeDistance } from './check.js';
import { metaObjective, minimalPreconditioner } from './preconditioner.js';
import { coreRules, verifyRuleVjps } from './rule-vjp.js';
import { smallNetwork } from './small-network.js';
import { examplesOf, exampleGradients, flat, gaussNewtonMatrix, meanOf, solve } from './textbook.js';
import { verificationNames, verifyTheory } from './verify.js';

describe('verifyTheory', () => {
  it.each(verificationNames)(
    '%s holds, leaves no tensor behind and gives the same numbers twice',
    async (name) => {
      let report = verifyTheory({ only: [] });
      const seen: string[] = [];
      const run = (): void => {
        report = verifyTheory({ only: [name], onChecks: (title) => seen.push(title) });
      };
      expect(await leaked(run)).toBe(0);
      const failed = report.checks.filter(({ passed }) => !passed);
      expect(failed).toEqual([]);
      expect(report.passed).toBe(true);
      expect(report.checks.length).toBeGreaterThanOrEqual(3);
      expect(new Set(report.checks.map(({ verification }) => verification))).toEqual(new Set([name]));
      expect(seen.length).toBe(1);
      const first = report;
      run();
      expect(report).toEqual(first);
    },
  );

  it('theorem 1 also reports how far the minimiser without the ½ would be, and the rank for softmax', () => {
    const { checks } = verifyTheory({ only: ['theorem-1'] });
    for (const { note } of checks) {
      const [distance] = /[\d.]+(?= away)/.exec(note!)!;
      expect(Number(distance)).toBeGreaterThan(0.01);
    }
    // 2·2+2 + 2·3+3 = 15 parameters; a shift of the logits is one direction a row of the last layer: 2 + 1.
    expect(checks.find(({ name }) => name.includes('softmax'))!.note).toContain('rank 12 of 15');
  });

  it('finds a rule whose derivative is wrong', () => {
    const rule = sgd({ learningRate: 0.2 });
    const wrong: UpdateRule = {
      ...rule,
      name: 'wrong',
      vjp: (input) =>
        Object.fromEntries(
          Object.entries(rule.vjp!(input)).map(([name, value]): [string, tf.Tensor] => [
            name,
            tf.mul(value, 1.01),
          ]),
        ),
    };
    const checks = verifyRuleVjps([wrong]);
    expect(checks.map(({ passed }) => passed)).toEqual([false, false]);
    // 1.01 instead of 1
    expect(checks[0]!.error).toBeCloseTo(0.01, 3);
    const report = verifyTheory({ only: ['update-rules'], rules: [wrong] });
    expect(report.passed).toBe(false);
    expect(report.checks.length).toBe(2 * (coreRules().length + 1));
  });

  it('takes a rule with a matrix for φ and no product of its own: U = CCᵀg', () => {
    const cholesky: UpdateRule = {
      name: 'full matrix',
      initialPhi: (variables) => {
        const size = variables.reduce((total, v) => total + v.size, 0);
        return { c: tf.mul(tf.eye(size), 0.5) };
      },
      initialState: () => ({}),
      direction: ({ gradients, state }) => ({ direction: gradients, state }),
      apply: (variables, phi, direction) => {
        const names = Object.keys(direction);
        const g = tf.concat(names.map((name) => tf.reshape(direction[name]!, [-1, 1])));
        const c = phi['c']! as tf.Tensor2D;
        const step = tf.matMul(c, tf.matMul(c, g as tf.Tensor2D, true));
        let offset = 0;
        return Object.fromEntries(
          names.map((name): [string, tf.Tensor] => {
            const variable = variables[name]!;
            const part = tf.reshape(tf.slice(step, [offset, 0], [variable.size, 1]), variable.shape);
            offset += variable.size;
            return [name, tf.sub(variable, part)];
          }),
        );
      },
    };
    const checks = verifyRuleVjps([cholesky]);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  });

  it('refuses an unknown name', () => {
    expect(() => verifyTheory({ only: ['theorem-2' as 'theorem-1'] })).toThrow(
      /"theorem-2"; expected some of update-rules/,
    );
  });
});

describe('check', () => {
  it('passes up to the tolerance, and never on NaN', () => {
    const measured = { verification: 'table-1', name: 'a', compared: 'b', tolerance: 0.5 } as const;
    expect([0.5, 0.51, NaN].map((error) => check({ ...measured, error }).passed)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('measures relative distances, and absolute ones from zero', () => {
    expect(relativeDistance([3, 4], [3, 0])).toBeCloseTo(4 / 3, 12);
    expect(relativeDistance([3, 4], [0, 0])).toBe(5);
  });
});

describe('textbook matrices', () => {
  it('the mean of the example gradients is the gradient of the loss', () => {
    for (const loss of ['squared-error', 'sigmoid-cross-entropy', 'softmax-cross-entropy'] as const) {
      const network = smallNetwork({ sizes: [2, 3, 3], loss, examples: 6 });
      const { objective, variables, batch } = network;
      const mean = meanOf(exampleGradients(examplesOf(objective, loss, { batch, seed: 0 }))).to1DArray();
      const expected = tf.tidy(() => {
        const { grads } = tf.variableGrads(() => objective.loss(objective.predict(batch, true), batch));
        return variables.flatMap(({ name }) => Array.from(grads[name]!.dataSync()));
      });
      expect(relativeDistance(mean, expected)).toBeLessThan(1e-6);
      network.dispose();
    }
  });

  it('the Gauss–Newton matrix of a linear model is XᵀX/N beside every output', () => {
    const network = smallNetwork({ sizes: [2, 1], loss: 'squared-error', examples: 3 });
    const matrix = gaussNewtonMatrix(
      examplesOf(network.objective, 'squared-error', { batch: network.batch, seed: 0 }),
    );
    const inputs = Array.from(network.batch.inputs.dataSync());
    const x = new Matrix([0, 1, 2].map((n) => [inputs[2 * n]!, inputs[2 * n + 1]!, 1]));
    expect(relativeDistance(flat(matrix), flat(x.transpose().mmul(x).div(3)))).toBeLessThan(1e-7);
    network.dispose();
  });

  it('solves to the last digits', () => {
    // [[2, 1], [1, 3]] x = [5, 10]: x = [1, 3]
    const x = solve(
      new Matrix([
        [2, 1],
        [1, 3],
      ]),
      Matrix.columnVector([5, 10]),
    );
    expect(relativeDistance(flat(x), [1, 3])).toBeLessThan(1e-15);
  });

  it('refuses networks without layers, widths or examples', () => {
    expect(() => smallNetwork({ sizes: [2], loss: 'squared-error' })).toThrow(/sizes is \[2\]/);
    expect(() => smallNetwork({ sizes: [2, 0], loss: 'squared-error' })).toThrow(/sizes\[1\] is 0/);
    expect(() => smallNetwork({ sizes: [2, 1], loss: 'squared-error', examples: 0 })).toThrow(
      /examples is 0/,
    );
  });
});

describe('minimalPreconditioner', () => {
  const c = new Matrix([
    [2, 0.5],
    [0.5, 1],
  ]);

  it('has no neighbour with a lower meta-objective', () => {
    const gradients = Array.from({ length: 5 }, (_, i) =>
      Matrix.columnVector(Array.from(seededVector(2, i))),
    );
    const minimiser = minimalPreconditioner(gradients, c);
    expect(minimiser.rank).toBe(2);
    const best = metaObjective(minimiser, gradients, c);
    for (let i = 0; i < 4; i++) {
      for (const shift of [-0.1, 0.1]) {
        const onRange = minimiser.onRange.clone();
        onRange.set(i >> 1, i & 1, onRange.get(i >> 1, i & 1) + shift);
        expect(metaObjective({ ...minimiser, onRange }, gradients, c)).toBeGreaterThan(best);
      }
    }
  });

  it('finds the range of gradients that do not span everything', () => {
    // Every g is a multiple of (3, 4): on that line P g = C⁻¹ g.
    const gradients = [1, -2, 0.5].map((factor) => Matrix.columnVector([3 * factor, 4 * factor]));
    const { rank, range, onRange } = minimalPreconditioner(gradients, c);
    expect(rank).toBe(1);
    expect(Math.abs(range.get(0, 0))).toBeCloseTo(0.6, 12);
    const step = onRange.mmul(range.transpose()).mmul(gradients[0]!);
    // C⁻¹ (3, 4) = (1·3 − .5·4, −.5·3 + 2·4) / 1.75 = (1, 6.5)/1.75
    expect(relativeDistance(flat(step), [1 / 1.75, 6.5 / 1.75])).toBeLessThan(1e-12);
  });
});
