import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createObjective, isApoError, microBatches, RuleOptimizer, sgd } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { ParameterSpace } from '../curvature/parameter-space.js';
import { addScaled } from '../curvature/vector.js';
import { leaked, relativeError } from '../testing/evidence.js';
import { regression } from '../testing/regression.js';
import { smallNetwork } from '../verify/small-network.js';
import {
  gaussNewton,
  gradientDescent,
  hessianFree,
  naturalGradient,
  newton,
  proximalPoint,
} from './classical-methods.js';
import { proximalSolver } from './proximal-optimizer.js';
import type { ProximalOptimizer } from './proximal-optimizer.js';
import type { ProximalSolverOptions } from './proximal-options.js';

describe('the contract of optimizers', () => {
  const methods: [string, (o: Objective<SupervisedBatch>) => ProximalOptimizer<SupervisedBatch>][] = [
    ['proximal-gradient-descent', (o) => gradientDescent(o)],
    ['newton', (o) => newton(o, { damping: 5 })],
    ['gauss-newton', (o) => gaussNewton(o)],
    ['natural-gradient', (o) => naturalGradient(o)],
    ['hessian-free', (o) => hessianFree(o)],
    ['proximal-point', (o) => proximalPoint(o)],
  ];

  it.each(methods)('%s: leaves no tensor behind and gives the same bits twice', async (name, make) => {
    const results: Float64Array[] = [];
    const run = (): void => {
      const network = smallNetwork({ sizes: [2, 3, 2], loss: 'sigmoid-cross-entropy' });
      const optimizer = make(network.objective);
      expect(optimizer.name).toBe(name);
      for (let i = 0; i < 2; i++) {
        expect(optimizer.step(network.batch, network.other)).toBe(undefined);
        const loss = optimizer.step(network.batch, network.other, { returnLoss: true });
        loss!.dispose();
      }
      optimizer.restore(optimizer.state());
      results.push(new ParameterSpace(network.variables).current());
      optimizer.dispose();
      network.dispose();
    };
    expect(await leaked(run)).toBe(0);
    run();
    expect(results[1]).toEqual(results[0]);
  });

  it('gradient descent is the rule of core', () => {
    const network = smallNetwork({ sizes: [2, 3, 2], loss: 'softmax-cross-entropy' });
    const space = new ParameterSpace(network.variables);
    const start = space.current();
    const own = gradientDescent(network.objective, { learningRate: 0.2 });
    own.step(network.batch);
    own.step(network.batch);
    const after = space.current();
    const back = space.write(start);
    for (const variable of network.variables) variable.assign(back[variable.name]!);
    tf.dispose(back);
    const rule = new RuleOptimizer(network.objective, sgd({ learningRate: 0.2 }));
    rule.step(network.batch);
    rule.step(network.batch);
    expect(relativeError(after, space.current())).toBeLessThan(1e-6);
    own.dispose();
    rule.dispose();
    network.dispose();
  });

  it.each(methods)('%s: micro-batches of equal size are one batch', (_, make) => {
    const network = smallNetwork({ sizes: [2, 3, 2], loss: 'sigmoid-cross-entropy' });
    const space = new ParameterSpace(network.variables);
    const start = space.current();
    const halves = ({ inputs, targets }: SupervisedBatch): SupervisedBatch[] =>
      [0, 4].map((from) => ({
        inputs: tf.slice(inputs, [from, 0], [4, 2]),
        targets: tf.slice(targets, [from, 0], [4, 2]),
      }));
    tf.tidy(() => {
      const whole = make(network.objective);
      whole.step(network.batch, network.other);
      const after = space.current();
      const back = space.write(start);
      for (const variable of network.variables) variable.assign(back[variable.name]!);
      const parts = make(network.objective);
      const seen: number[] = [];
      parts.step(microBatches(halves(network.batch)), microBatches(halves(network.other)), {
        onOutputs: (outputs, index) => seen.push(index, (outputs as tf.Tensor).shape[0]),
      });
      expect(seen).toEqual([0, 4, 1, 4]);
      const moved = (point: Float64Array): Float64Array => addScaled(point, -1, start);
      expect(relativeError(moved(space.current()), moved(after))).toBeLessThan(5e-3);
      whole.dispose();
      parts.dispose();
    });
    network.dispose();
  });

  it('reports steps, no learning rate, and nothing of meta-steps', async () => {
    const { objective, batch, dispose } = regression();
    const optimizer = gradientDescent(objective);
    optimizer.step(batch);
    optimizer.onMetaStep()();
    await optimizer.flush();
    expect(await optimizer.learningRates()).toEqual({});
    expect(await optimizer.statistics()).toEqual({ steps: 1, metaSteps: 0, rejected: 0, learningRates: {} });
    const state = optimizer.state();
    expect(() => optimizer.restore({ ...state, values: { ...state.values, name: 'newton' } })).toThrow(
      /belongs to another model/,
    );
    optimizer.dispose();
    dispose();
  });

  it('on NaN moves nothing: neither weights nor averages', () => {
    const mean = tf.variable(tf.scalar(2));
    const w = tf.variable(tf.tensor1d([1, 2]));
    const objective = createObjective<tf.Tensor>({
      variables: [w],
      stateVariables: [mean],
      predict: (x) => {
        mean.assign(tf.add(mean, 1));
        return tf.mul(w, x);
      },
      loss: (y) => tf.sum(y as tf.Tensor),
    });
    const optimizer = naturalGradient(objective);
    const bad = tf.tensor1d([NaN, 1]);
    let code: string | false = false;
    try {
      optimizer.step(bad);
    } catch (error) {
      code = isApoError(error) && error.code;
    }
    expect(code).toBe('NON_FINITE');
    expect([...w.dataSync(), ...mean.dataSync()]).toEqual([1, 2, 2]);
    expect(optimizer.steps).toBe(0);
    tf.dispose([mean, w, bad]);
  });

  it.each<[Partial<ProximalSolverOptions>, RegExp]>([
    [{ loss: 'third-order' as 'exact' }, /loss is "third-order"; expected one of first-order/],
    [{ fsd: 'first-order' as 'exact' }, /fsd is "first-order"/],
    [{ loss: 'first-order' }, /has no minimum/],
    [{ lambdaFsd: 1 }, /lambdaFsd is 1 but fsd is "none"/],
    [{ lambdaWsd: -1 }, /lambdaWsd is -1/],
    [{ levenbergMarquardt: true }, /lambdaWsd, which is 0/],
    [{ clip: (g) => g }, /clip changes the gradient of a linear/],
    [{ backtrack: true }, /belong to the one solve/],
    [{ inner: { warmStart: 0.5 } }, /belong to the one solve/],
    [{ inner: { maxIterations: 0 } }, /inner.maxIterations is 0/],
    [{ inner: { tolerance: NaN } }, /inner.tolerance is NaN/],
    [{ inner: { progress: 0 } }, /inner.progress is 0/],
    [{ jacobianVector: 'forward' as 'exact' }, /jacobianVector is "forward"/],
  ])('refuses %o', (options, message) => {
    const { objective, dispose } = regression();
    expect(() => proximalSolver(objective, { loss: 'exact', fsd: 'none', ...options })).toThrow(message);
    dispose();
  });

  it('refuses learning rates and damping out of range', () => {
    const { objective, dispose } = regression();
    expect(() => gradientDescent(objective, { learningRate: 0 })).toThrow(/learningRate is 0/);
    expect(() => naturalGradient(objective, { learningRate: -1 })).toThrow(/learningRate is -1/);
    expect(() => hessianFree(objective, { damping: 0 })).toThrow(/damping is 0/);
    expect(() => newton(objective, { damping: NaN })).toThrow(/damping is NaN/);
    dispose();
  });
});
