import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { leaked, linearRegression, testVariable, values } from '../test/numeric.js';
import type { RegressionBatch } from '../test/numeric.js';
import { Apo } from './apo.js';
import { metaSgd } from './meta/meta-optimizer.js';
import { createObjective, sumOverOutputs } from './objective.js';
import type { Objective } from './objective.js';
import type { OptimizerState } from './optimizer.js';
import { RuleOptimizer } from './rule-optimizer.js';
import { divergence } from './divergence.js';
import { adam } from './rules/adam.js';
import { sgd } from './rules/sgd.js';
import type { UpdateRule } from './update-rule.js';

const batchOf = (): RegressionBatch => ({
  x: tf.tensor2d([
    [1, 0],
    [1, 2],
  ]),
  t: tf.tensor1d([1, -1]),
});

describe('a step that fails', () => {
  it('in the divergence leaves the optimizer as it was: the retry gives the bits of a run without the failure', () => {
    const batch = batchOf();
    const ends = [true, false].map((fails) => {
      const { theta, objective } = linearRegression([0.5, 0.25]);
      let armed = fails;
      const guarded: Objective<RegressionBatch> = {
        ...objective,
        divergence: (next, previous) => {
          if (armed) {
            armed = false;
            throw new Error('in the divergence');
          }
          return sumOverOutputs(divergence('squared-error'), next, previous);
        },
      };
      const apo = new Apo(guarded, adam(), { calibrate: false, seed: 1 });
      if (fails) expect(() => apo.step(batch)).toThrow('in the divergence');
      expect(apo.steps).toBe(0);
      for (let i = 0; i < 5; i++) apo.step(batch);
      const end = values(theta);
      apo.dispose();
      theta.dispose();
      return end;
    });
    expect(ends[0]).toEqual(ends[1]);
    tf.dispose([batch.x, batch.t]);
  });

  it('because ρ is no scalar says so and leaves no tensor of ours behind', async () => {
    const batch = batchOf();
    const { theta, objective } = linearRegression([0.5, 0.25]);
    const wrong: Objective<RegressionBatch> = {
      ...objective,
      divergence: (next, previous) => tf.sub(next as tf.Tensor, previous as tf.Tensor),
    };
    const apo = new Apo(wrong, sgd(), { preset: 'paper', interval: 1 });
    const attempt = (): void => {
      expect(() => apo.step(batch, { ...batch })).toThrow(/scalar/);
    };
    attempt();
    expect(await leaked(attempt)).toBe(0);
    expect(values(theta)).toEqual([0.5, 0.25]);
    apo.dispose();
    tf.dispose([theta, batch.x, batch.t]);
  });

  it('because the rule forgets a variable moves none', () => {
    const [p, r] = [testVariable(tf.scalar(1), 'p'), testVariable(tf.scalar(2), 'r')];
    const objective = createObjective<null>({
      variables: [p, r],
      predict: () => tf.reshape(tf.mul(p, r), [1, 1]),
      loss: (y) => tf.sum(y as tf.Tensor),
    });
    const rule: UpdateRule = sgd({ learningRate: 0.1 });
    const forgetful: UpdateRule = {
      ...rule,
      apply: (variables, phi, direction) => ({ [p.name]: rule.apply(variables, phi, direction)[p.name]! }),
    };
    const optimizer = new RuleOptimizer(objective, forgetful);
    expect(() => optimizer.step(null)).toThrow(/gave nothing for/);
    expect([...values(p), ...values(r)]).toEqual([1, 2]);
    optimizer.dispose();
    tf.dispose([p, r]);
  });

  it('because λ_FSD of that step is not finite is refused before anything moves', () => {
    const batch = batchOf();
    const { theta, objective } = linearRegression([0.5, 0.25]);
    const apo = new Apo(objective, sgd(), { interval: 1, lambdaFsd: (step) => 1 / (2 - step) });
    apo.step(batch);
    const [before, { random }] = [values(theta), apo.state().values];
    const tensors = tf.memory().numTensors;
    expect(() => apo.step(batch)).toThrow(/lambdaFsd\(2\) is Infinity; expected a finite number/);
    expect(values(theta)).toEqual(before);
    expect(apo.steps).toBe(1);
    expect(apo.state().values['random']).toEqual(random);
    expect(tf.memory().numTensors).toBe(tensors);
    apo.dispose();
    tf.dispose([theta, batch.x, batch.t]);
  });
});

describe('outputs that are not fresh tensors', () => {
  it('a variable or a batch tensor as the prediction survives the step', () => {
    const v = testVariable(tf.tensor2d([[1, 2]]), 'v');
    const objective = createObjective<null>({
      variables: [v],
      predict: () => v,
      loss: (y) => tf.sum(tf.square(y as tf.Tensor)),
    });
    const apo = new Apo(objective, sgd(), { interval: 1 });
    apo.step(null);
    expect(v.isDisposed).toBe(false);
    expect(values(v).every(Number.isFinite)).toBe(true);
    apo.dispose();
    v.dispose();
  });
});

describe('restore', () => {
  it('refuses values that are missing or of another kind, and changes nothing', () => {
    const batch = batchOf();
    const { theta, objective } = linearRegression([0.5, 0.25]);
    const apo = new Apo(objective, adam());
    apo.step(batch);
    const good = apo.state();
    const bad: [Partial<OptimizerState['values']>, RegExp][] = [
      [{ steps: NaN }, /steps is null/],
      [{ random: [1, 2] }, /random is \[1,2\]/],
      [{ name: 'sgd-apo' }, /name is "sgd-apo", here it is "adam-apo"/],
      [{ groups: ['a', 'b'] }, /groups is \["a","b"\]/],
    ];
    for (const [change, message] of bad) {
      const values_ = { ...good.values, ...change } as OptimizerState['values'];
      expect(() => apo.restore({ tensors: good.tensors, values: values_ })).toThrow(message);
    }
    expect(() => apo.restore({ tensors: good.tensors, values: {} })).toThrow(/steps is undefined/);
    expect(apo.steps).toBe(1);
    apo.step(batch);
    expect(apo.steps).toBe(2);
    apo.dispose();
    tf.dispose([theta, batch.x, batch.t]);
  });
});

describe('values that are not finite', () => {
  it('a NaN batch makes η NaN when nothing guards it, however small maxLogChange is', async () => {
    const { theta, objective } = linearRegression([0.5, 0.25]);
    const batch = { x: tf.tensor2d([[NaN, 0]]), t: tf.tensor1d([1]) };
    const apo = new Apo(objective, sgd(), { preset: 'paper', maxLogChange: 0.3 });
    apo.step(batch);
    expect((await apo.learningRates())['all']).toBeNaN();
    apo.dispose();
    tf.dispose([theta, batch.x, batch.t]);
  });

  it('rejection alone keeps η, backtracking divides it by ten', async () => {
    for (const [backtrack, factor] of [
      [false, 1],
      [true, 0.1],
    ] as const) {
      const { theta, objective } = linearRegression([0.5, 0.25]);
      const batch = { x: tf.tensor2d([[NaN, 0]]), t: tf.tensor1d([1]) };
      const apo = new Apo(objective, sgd({ learningRate: 0.5 }), {
        calibrate: false,
        backtrack,
        metaOptimizer: metaSgd(),
      });
      apo.step(batch);
      expect((await apo.learningRates())['all']).toBeCloseTo(0.5 * factor, 5);
      expect((await apo.statistics()).rejected).toBe(1);
      apo.dispose();
      tf.dispose([theta, batch.x, batch.t]);
    }
  });
});
