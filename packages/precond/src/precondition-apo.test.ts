import * as tf from '@tensorflow/tfjs-core';
import { Apo, createObjective, RuleOptimizer, sgd } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { regression, trajectory } from '../test/regression.js';
import { expectClose, freshPrefix, leaked, normalTensor, testVariable, values } from '../test/tensors.js';
import { partition } from './partition-table.js';
import { precondition } from './precondition.js';
import type { PreconditionOptions } from './precondition.js';

describe('in Apo', () => {
  const auto = (options?: PreconditionOptions) => (objective: Objective<SupervisedBatch>) =>
    new Apo(objective, precondition({ rank: 1, ...options }), { seed: 2 });

  it('the preset auto adapts every entry of φ in every step and lowers the loss', async () => {
    const { objective, batch, dispose } = regression();
    const apo = auto()(objective);
    const losses: number[] = [];
    for (let step = 0; step < 40; step++) {
      const loss = apo.step(batch, undefined, { returnLoss: true })!;
      losses.push(...values(loss));
      loss.dispose();
    }
    const { metaSteps, learningRates, diagnostics } = await apo.statistics();
    expect(metaSteps).toBe(40);
    expect(Object.keys(learningRates)).toEqual(['all']);
    expect(diagnostics).toEqual({ zeroScales: 0 });
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
    const start = tf.tidy(() => precondition({ rank: 1 }).initialPhi(objective.variables as tf.Variable[]));
    const { tensors } = apo.state();
    for (const [name, value] of Object.entries(start))
      expect(values(tensors[`rule/phi/${name}`]!)).not.toEqual(values(value));
    tf.dispose(start);
    apo.dispose();
    dispose();
  });

  it('the preset paper has no learned scale, the full form, momentum first, K = 10 and scale 0.9', () => {
    const { objective, dispose } = regression();
    const apo = new Apo(objective, precondition(), { preset: 'paper' });
    expect(apo.options).toMatchObject({ interval: 10, lambdaFsd: 0.1, lambdaWsd: 0.1, scale: 0.9 });
    expect(apo.options.warmup).toMatchObject({ steps: 3000, rule: { name: 'momentum' } });
    const names = Object.keys(apo.state().tensors).filter((name) => name.startsWith('rule/phi/'));
    const layer = objective.variables[0]!.name.split('/')[0]!;
    expect(names).toEqual([
      ...['A', 'B', 'S'].map((entry) => `rule/phi/${layer}/dense1.${entry}`),
      ...['A', 'B', 'S'].map((entry) => `rule/phi/${layer}/dense2/kernel.${entry}`),
    ]);
    apo.dispose();
    dispose();
  });

  it('after the warm-up the real step is P₀ = I times 0.9', () => {
    const { objective, variables, batch, dispose } = regression();
    const warmup = { rule: sgd({ learningRate: 1e-3 }), steps: 1 };
    const apo = new Apo(objective, precondition(), { preset: 'paper', warmup });
    apo.step(batch);
    const phi = Object.entries(apo.state().tensors).filter(([name]) => name.startsWith('rule/phi/'));
    const rule = precondition({ form: 'full', learnedScale: false });
    const expected = tf.tidy(() => {
      const list = variables;
      const { grads } = tf.variableGrads(() => objective.loss(objective.predict(batch, true), batch), list);
      const scaled = Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, tf.mul(g, 0.9)]));
      const byName = Object.fromEntries(list.map((variable) => [variable.name, variable]));
      const own = Object.fromEntries(phi.map(([name, value]) => [name.slice('rule/phi/'.length), value]));
      return Object.values(rule.apply(byName, own, scaled)).flatMap(values);
    });
    apo.step(batch);
    expectClose(variables.flatMap(values), expected, 1e-6);
    apo.dispose();
    dispose();
  });

  it.each<[string, PreconditionOptions]>([
    ['low rank', {}],
    ['full', { form: 'full' }],
    ['one scale a layer', { learnedScale: 'layer' }],
    ['momentum and decay', { momentum: 0.5, weightDecay: 0.01 }],
  ])('%s: the same seed gives the same bits, and no tensor is left behind', async (_, options) => {
    const runs: number[][][] = [];
    const lost = await leaked(() => {
      runs.push(trajectory(auto(options)), trajectory(auto(options)));
    });
    expect(lost).toBe(0);
    expect(runs[0]).toEqual(runs[1]);
  });

  it('another seed gives other low-rank factors', () => {
    expect(trajectory(auto({ seed: 1 }))).not.toEqual(trajectory(auto({ seed: 2 })));
  });

  it.each<[string, PreconditionOptions]>([
    ['auto', {}],
    ['momentum, one scale a layer', { momentum: 0.5, learnedScale: 'layer' }],
  ])('%s: a saved run goes on bit for bit', (_, options) => {
    const { objective, variables, batch, dispose } = regression();
    const [first, second] = [auto(options)(objective), auto(options)(objective)];
    for (let step = 0; step < 3; step++) first.step(batch);
    const saved = first.state();
    const weights = variables.map((variable) => tf.clone(variable as tf.Tensor));
    second.restore(saved);
    first.step(batch);
    const expected = variables.flatMap(values);
    variables.forEach((variable, i) => variable.assign(weights[i]!));
    second.step(batch);
    expect(variables.flatMap(values)).toEqual(expected);
    tf.dispose(weights);
    first.dispose();
    second.dispose();
    dispose();
  });

  it('refuses a state of another form', () => {
    const { objective, dispose } = regression();
    const [low, full] = [auto()(objective), auto({ form: 'full' })(objective)];
    expect(() => full.restore(low.state())).toThrow(/is missing/);
    low.dispose();
    full.dispose();
    dispose();
  });

  it('momentum does not let the rate collapse: what the drift raises is not charged to η', async () => {
    const { objective, batch, dispose } = regression();
    const apo = auto({ momentum: 0.9 })(objective);
    for (let step = 0; step < 60; step++) apo.step(batch);
    const { learningRates } = await apo.statistics();
    expect(learningRates['all']!).toBeGreaterThan(1e-4);
    apo.dispose();
    dispose();
  });
});

describe('a weight that two layers share', () => {
  it('is one variable with one block, and gets the sum of both gradients', () => {
    const at = freshPrefix();
    const shared = testVariable([4, 4], `${at}shared/kernel`, 21) as tf.Variable<tf.Rank.R2>;
    const inputs = normalTensor([6, 4], 22) as tf.Tensor2D;
    const objective = createObjective<null>({
      variables: [shared],
      predict: () => tf.matMul(tf.tanh(tf.matMul(inputs, shared)), shared),
      loss: (y) => tf.mean(tf.square(y as tf.Tensor)),
    });
    expect(partition([shared]).map(({ variables }) => variables)).toEqual([[shared.name]]);
    const apo = new Apo(objective, precondition());
    const loss = (): number =>
      tf.tidy(() => values(objective.loss(objective.predict(null, false), null))[0]!);
    const before = loss();
    for (let step = 0; step < 20; step++) apo.step(null);
    expect(loss()).toBeLessThan(0.5 * before);
    apo.dispose();
    tf.dispose([shared, inputs]);
  });
});

describe('an element of S that died', () => {
  it('is counted by statistics()', async () => {
    const { objective, dispose } = regression();
    const optimizer = new RuleOptimizer(objective, precondition());
    const { tensors, values: plain } = optimizer.state();
    const dead = tf.tidy(() =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, t]) => [name, name.endsWith('dense1.S') ? tf.zerosLike(t) : t]),
      ),
    );
    optimizer.restore({ tensors: dead, values: plain });
    // S of dense1 is [3 + 1, 4].
    expect((await optimizer.statistics()).diagnostics).toEqual({ zeroScales: 16 });
    tf.dispose(
      Object.entries(dead)
        .filter(([name]) => name.endsWith('dense1.S'))
        .map(([, t]) => t),
    );
    optimizer.dispose();
    dispose();
  });
});
