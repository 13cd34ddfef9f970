import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { Apo } from './apo.js';
import type { ApoOptions } from './apo-options.js';
import { clipByGlobalNorm } from './clip.js';
import { metaSgd } from './meta/meta-optimizer.js';
import { microBatches } from './optimizer.js';
import { RuleOptimizer } from './rule-optimizer.js';
import { adam } from './rules/adam.js';
import { momentum } from './rules/momentum.js';
import { sgd } from './rules/sgd.js';
import { batches, run } from '../test/regression-run.js';
import { linearRegression, values } from '../test/numeric.js';
import type { RegressionBatch } from '../test/numeric.js';

describe('options', () => {
  it('K and the dense steps at the start decide when φ moves', async () => {
    const at = async (options: ApoOptions): Promise<number[]> => {
      const data = batches(2);
      const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
      const apo = new Apo(objective, sgd(), options);
      const seen: number[] = [];
      apo.onMetaStep(({ step }) => seen.push(step));
      for (let i = 0; i < 9; i++) apo.step(data[0]!, data[1]);
      await apo.flush();
      apo.dispose();
      tf.dispose([theta, ...data.flatMap(({ x, t }) => [x, t])]);
      return seen;
    };
    expect(await at({ interval: 4, denseSteps: 0 })).toEqual([1, 5, 9]);
    expect(await at({ interval: 4, denseSteps: 3 })).toEqual([1, 2, 3, 5, 9]);
  });

  it('calibration makes the run independent of the initial rate', async () => {
    const runs = await Promise.all(
      [1e-6, 1, 100].map((learningRate) => run((o) => new Apo(o, sgd({ learningRate }), { interval: 5 }))),
    );
    expect(runs[1]!.theta).toEqual(runs[0]!.theta);
    expect(runs[2]!.theta).toEqual(runs[0]!.theta);
  });

  it('maxLogChange bounds one meta-step', async () => {
    const options: ApoOptions = {
      calibrate: false,
      reject: false,
      maxLogChange: 0.05,
      metaOptimizer: metaSgd({ learningRate: 100 }),
    };
    const { rates } = await run((o) => new Apo(o, sgd({ learningRate: 0.01 }), options), 1);
    expect(Math.log(rates['all']! / 0.01)).toBeCloseTo(0.05, 4);
  });

  it('a meta-step that makes Q worse is undone and counted', async () => {
    // A meta-rate of 100 nats leaps far beyond the minimum of Q; without rejection the rate would be astronomical.
    const options: ApoOptions = {
      calibrate: false,
      maxLogChange: false,
      metaOptimizer: metaSgd({ learningRate: 1e4 }),
    };
    const { rates, rejected } = await run((o) => new Apo(o, sgd({ learningRate: 0.01 }), options), 1);
    expect(rejected).toBe(1);
    expect(rates['all']).toBeCloseTo(0.01, 6);
  });

  it('a hopeless initial rate without calibration comes down by itself', async () => {
    const { rates, theta } = await run(
      (o) => new Apo(o, sgd({ learningRate: 1e6 }), { calibrate: false, interval: 1 }),
      1,
    );
    expect(rates['all']).toBeLessThan(2e5);
    expect(theta.every(Number.isFinite)).toBe(true);
  });

  it('the loss term on another batch gives a smaller rate than on the same batch', async () => {
    const same = await run((o) => new Apo(o, sgd(), { interval: 1, lambdaFsd: 0, denseSteps: 0 }), 200);
    const other = await run(
      (o) => new Apo(o, sgd(), { interval: 1, lambdaFsd: 0, denseSteps: 0, lossBatch: 'other' }),
      200,
    );
    expect(other.rates['all']).toBeLessThan(same.rates['all']!);
  });

  it('FSD on the same batch gives exactly what passing that batch twice gives', async () => {
    const paths: number[][] = [];
    for (const fsdBatch of ['same', 'other'] as const) {
      const [data] = batches(1);
      const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
      const apo = new Apo(objective, sgd(), { fsdBatch, interval: 1 });
      for (let i = 0; i < 10; i++) apo.step(data!, fsdBatch === 'same' ? undefined : { ...data! });
      paths.push(values(theta));
      apo.dispose();
      tf.dispose([theta, data!.x, data!.t]);
    }
    paths[0]!.forEach((p, j) => expect(p).toBeCloseTo(paths[1]![j]!, 5));
  });

  it('micro-batches give the step of the whole batch', () => {
    const [a, b] = batches(2) as [RegressionBatch, RegressionBatch];
    const whole = { x: tf.concat([a.x, b.x]), t: tf.concat([a.t, b.t]) };
    const ends = [microBatches([a, b]), whole].map((batch) => {
      const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
      const apo = new Apo(objective, momentum(), { interval: 1 });
      for (let i = 0; i < 5; i++) apo.step(batch);
      const end = values(theta);
      apo.dispose();
      theta.dispose();
      return end;
    });
    ends[0]!.forEach((p, j) => expect(p).toBeCloseTo(ends[1]![j]!, 4));
    tf.dispose([a.x, a.t, b.x, b.t, whole.x, whole.t]);
  });

  it('during the warm-up θ follows the other rule while φ is learned', async () => {
    const warm = await run(
      (o) =>
        new Apo(o, sgd({ learningRate: 1e-5 }), {
          preset: 'paper',
          warmup: { rule: adam({ learningRate: 0.05 }), steps: 8 },
        }),
      8,
    );
    const plain = await run((o) => new RuleOptimizer(o, adam({ learningRate: 0.05 })), 8);
    expect(warm.theta).toEqual(plain.theta);
    expect(warm.rates['all']).toBeGreaterThan(1e-5);
  });

  it('a schedule multiplies the learned rate, a clip bounds the gradient', async () => {
    const half = await run(
      (o) => new RuleOptimizer(o, sgd({ learningRate: 0.2 }), { schedule: () => 0.5 }),
      10,
    );
    const fixed = await run((o) => new RuleOptimizer(o, sgd({ learningRate: 0.1 })), 10);
    half.theta.forEach((p, j) => expect(p).toBeCloseTo(fixed.theta[j]!, 6));
    expect(half.rates['all']).toBeCloseTo(0.1, 6);
    const start = [0.1, -0.2, 0.3];
    const { theta } = await run(
      (o) => new RuleOptimizer(o, sgd({ learningRate: 1 }), { clip: clipByGlobalNorm(0.01) }),
      1,
    );
    expect(Math.hypot(...theta.map((p, j) => p - start[j]!))).toBeCloseTo(0.01, 5);
  });

  it('a rule without a hand-written product is differentiated', async () => {
    const { vjp, ...rule } = sgd({ learningRate: 0.02 });
    expect(vjp).toBeDefined();
    const [byHand, automatic] = await Promise.all(
      [sgd({ learningRate: 0.02 }), rule].map((r) =>
        run((o) => new Apo(o, r, { preset: 'paper', interval: 2 })),
      ),
    );
    automatic!.theta.forEach((p, j) => expect(p).toBeCloseTo(byHand!.theta[j]!, 5));
  });

  it('refuses what cannot be right before anything is built', () => {
    const { theta, objective } = linearRegression([0, 0, 0]);
    const make = (options: ApoOptions) => () => new Apo(objective, sgd(), options);
    expect(make({ interval: 0 })).toThrow(/interval is 0; expected a whole number ≥ 1/);
    expect(make({ lambdaFsd: -1 })).toThrow(/lambdaFsd is -1/);
    expect(make({ lambdaFsd: (step) => -step })).toThrow(/lambdaFsd\(1\) is -1; expected a finite number/);
    expect(make({ lookahead: 'committed' })).toThrow(/no committed lookahead/);
    expect(make({ preset: 'best' as never })).toThrow(/preset is "best"/);
    expect(make({ calibrate: { ratio: 2 } })).toThrow(/calibrate.ratio is 2/);
    expect(make({ warmup: { rule: sgd(), steps: 0 } })).toThrow(/warmup.steps is 0/);
    theta.dispose();
  });
});
