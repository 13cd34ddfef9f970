import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { Apo } from './apo.js';
import type { ApoOptions } from './apo-options.js';
import { clipByGlobalNorm } from './clip.js';
import { metaAdam, metaSgd } from './meta/meta-optimizer.js';
import { createObjective } from './objective.js';
import type { Objective, Outputs } from './objective.js';
import { microBatches } from './optimizer.js';
import type { MetaStepStatistics } from './optimizer.js';
import { RuleOptimizer } from './rule-optimizer.js';
import { adam, adamw } from './rules/adam.js';
import { momentum } from './rules/momentum.js';
import { rmsprop } from './rules/rmsprop.js';
import { sgd } from './rules/sgd.js';
import type { Schedule } from './schedule.js';
import { leaked, linearRegression, testVariable, values } from '../test/numeric.js';
import type { RegressionBatch } from '../test/numeric.js';

function rosenbrock(): { theta: tf.Variable; objective: Objective<null> } {
  const theta = testVariable(tf.tensor1d([1, -1.5]), 'theta');
  const objective = createObjective<null>({
    variables: [theta],
    predict: () => {
      const [x, y] = tf.split(theta, 2) as [tf.Tensor, tf.Tensor];
      return tf.reshape(tf.concat([tf.sub(1, x), tf.mul(10, tf.sub(y, tf.square(x)))]), [1, 2]);
    },
    loss: (residuals) => tf.sum(tf.square(residuals as tf.Tensor)),
  });
  return { theta, objective };
}

function batches(count: number): RegressionBatch[] {
  return Array.from({ length: count }, (_, i) => {
    const x = tf.randomNormal<tf.Rank.R2>([8, 3], 0, 1, 'float32', i + 1);
    const t = tf.randomNormal<tf.Rank.R1>([8], 0, 1, 'float32', i + 100);
    return { x, t };
  });
}

/** Trains a linear regression and returns θ, the rates and the statistics. */
async function run(
  make: (objective: Objective<RegressionBatch>) => Apo<RegressionBatch> | RuleOptimizer<RegressionBatch>,
  steps = 30,
): Promise<{ theta: number[]; rates: Record<string, number>; rejected: number; metaSteps: number }> {
  const data = batches(6);
  const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
  const optimizer = make(objective);
  for (let i = 0; i < steps; i++) optimizer.step(data[i % 6]!, data[(i + 1) % 6]);
  const { learningRates: rates, rejected, metaSteps } = await optimizer.statistics();
  const result = { theta: values(theta), rates, rejected, metaSteps };
  optimizer.dispose();
  tf.dispose([theta, ...data.flatMap(({ x, t }) => [x, t])]);
  return result;
}

describe('Algorithm 1 against float64 arithmetic', () => {
  it.each<[string, number | Schedule, (step: number) => number]>([
    ['0.3', 0.3, () => 0.3],
    ['growing with the step', (step) => 0.2 * step, (step) => 0.2 * step],
  ])(
    'preset paper on a regression, λ_FSD %s: the same θ and η as in plain numbers',
    async (_, lambdaFsd, lambdaAt) => {
      const [lambdaWsd, interval] = [0.1, 3];
      const data = batches(6);
      const rows = data.map(({ x, t }) => ({ x: x.arraySync(), t: t.arraySync() }));
      const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
      const apo = new Apo(objective, sgd({ learningRate: 0.02 }), {
        preset: 'paper',
        interval,
        lambdaFsd,
        lambdaWsd,
      });
      let w = [0.1, -0.2, 0.3];
      let logEta = Math.log(0.02);
      let meanSquare = 0;
      const dot = (a: number[], b: number[]): number => a.reduce((s, v, i) => s + v * b[i]!, 0);
      const gradient = (p: number[], { x, t }: { x: number[][]; t: number[] }): number[] =>
        p.map((_, j) => x.reduce((s, row, i) => s + (dot(row, p) - t[i]!) * row[j]!, 0) / x.length);
      for (let k = 0; k < 12; k++) {
        apo.step(data[k % 6]!, data[(k + 1) % 6]);
        const [own, other] = [rows[k % 6]!, rows[(k + 1) % 6]!];
        const g = gradient(w, own);
        if (k % interval === 0) {
          const eta = Math.exp(logEta);
          const next = w.map((p, j) => p - eta * g[j]!);
          const step = next.map((p, j) => p - w[j]!);
          const pull = w.map(
            (_, j) => other.x.reduce((s, row) => s + dot(row, step) * row[j]!, 0) / other.x.length,
          );
          const v = gradient(next, own).map((x, j) => x + lambdaAt(k + 1) * pull[j]! + lambdaWsd * step[j]!);
          const slope = -eta * dot(v, g);
          meanSquare = 0.99 * meanSquare + 0.01 * slope * slope;
          logEta -= (0.1 * slope) / (Math.sqrt(meanSquare) + 1e-8);
        }
        w = w.map((p, j) => p - Math.exp(logEta) * g[j]!);
      }
      values(theta).forEach((p, j) => expect(p).toBeCloseTo(w[j]!, 5));
      expect((await apo.learningRates())['all']! / Math.exp(logEta)).toBeCloseTo(1, 4);
      expect((await apo.statistics()).metaSteps).toBe(4);
      apo.dispose();
      tf.dispose([theta, ...data.flatMap(({ x, t }) => [x, t])]);
    },
  );
});

describe('Rosenbrock from (1, −1.5), 10,000 steps', () => {
  const f = ([x, y]: number[]): number => (1 - x!) ** 2 + 100 * (y! - x! ** 2) ** 2;

  it('SGD at 2e−3 ends where float64 ends, 9.4e−9', () => {
    let [x, y] = [1, -1.5];
    for (let i = 0; i < 10_000; i++) {
      const [gx, gy] = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)];
      [x, y] = [x - 2e-3 * gx, y - 2e-3 * gy];
    }
    const exact = f([x, y]);
    expect(exact).toBeCloseTo(9.4e-9, 10);
    const { theta, objective } = rosenbrock();
    const optimizer = new RuleOptimizer(objective, sgd({ learningRate: 2e-3 }));
    for (let i = 0; i < 10_000; i++) optimizer.step(null);
    expect(Math.abs(f(values(theta)) / exact - 1)).toBeLessThan(0.1);
    optimizer.dispose();
    theta.dispose();
  });

  it.each(['paper', 'auto'] as const)(
    'SGD-APO, preset %s, K = 1, from 1e−4 ends below 5e−8 and keeps its rate near 2e−3',
    async (preset) => {
      const { theta, objective } = rosenbrock();
      const apo = new Apo(objective, sgd({ learningRate: 1e-4 }), { preset, interval: 1, lambdaFsd: 0 });
      // Near the minimum the gradient is mostly rounding and the rate jumps now and then, so its mean over 5,000 steps counts.
      const logRates: number[] = [];
      for (let i = 1; i <= 10_000; i++) {
        apo.step(null);
        if (i > 5_000 && i % 100 === 0) logRates.push(Math.log((await apo.learningRates())['all']!));
      }
      expect(f(values(theta))).toBeLessThan(5e-8);
      const mean = Math.exp(logRates.reduce((sum, value) => sum + value, 0) / logRates.length);
      expect(mean).toBeGreaterThan(1.7e-3);
      expect(mean).toBeLessThan(2.4e-3);
      apo.dispose();
      theta.dispose();
    },
  );
});

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

describe('every rule under both presets', () => {
  const rules = [
    ['sgd', () => sgd()],
    ['momentum', () => momentum({ nesterov: true })],
    ['rmsprop', () => rmsprop({ momentum: 0.5 })],
    ['adam', () => adam({ groups: () => 'weights' })],
    ['adamw', () => adamw()],
  ] as const;
  const combinations = rules.flatMap(([name, rule]) =>
    (['auto', 'paper'] as const).map((preset) => [name, preset, rule] as const),
  );

  it.each(combinations)('%s, %s: same seed, same bits; nothing left behind', async (_, preset, rule) => {
    const once = (): ReturnType<typeof run> =>
      run((o) => new Apo(o, rule(), { preset, interval: 3, metaOptimizer: metaAdam() }), 20);
    let first: Awaited<ReturnType<typeof run>> | undefined;
    expect(await leaked(async () => void (first = await once()))).toBe(0);
    expect(await once()).toEqual(first);
  });
});

describe('statistics', () => {
  it('tell Q and its terms after each meta-step, in order, and read nothing when nobody listens', async () => {
    const data = batches(2);
    const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
    const apo = new Apo(objective, sgd(), { interval: 2, denseSteps: 0, lambdaWsd: 0.1 });
    apo.step(data[0]!, data[1]);
    const seen: MetaStepStatistics[] = [];
    const stop = apo.onMetaStep((s) => seen.push(s));
    for (let i = 0; i < 5; i++) apo.step(data[0]!, data[1]);
    await apo.flush();
    stop();
    for (let i = 0; i < 5; i++) apo.step(data[0]!, data[1]);
    await apo.flush();
    expect(seen.map((s) => s.step)).toEqual([3, 5]);
    for (const { q, loss, fsd, wsd, metaGradientNorm, learningRates } of seen) {
      expect(q).toBeCloseTo(loss + fsd + wsd, 5);
      expect(Math.min(loss, fsd, wsd, metaGradientNorm, learningRates['all']!)).toBeGreaterThan(0);
    }
    apo.dispose();
    tf.dispose([theta, ...data.flatMap(({ x, t }) => [x, t])]);
  });

  it('an error in a listener comes out of flush', async () => {
    const [data] = batches(1);
    const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
    const apo = new Apo(objective, sgd());
    apo.onMetaStep(() => {
      throw new Error('in the listener');
    });
    apo.step(data!);
    await expect(apo.flush()).rejects.toThrow('in the listener');
    apo.dispose();
    tf.dispose([theta, data!.x, data!.t]);
  });
});

describe('state', () => {
  it('restored into a new optimizer, the run goes on with the same bits', () => {
    const data = batches(4);
    const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
    const make = (): Apo<RegressionBatch> => new Apo(objective, adam(), { interval: 3 });
    const go = (apo: Apo<RegressionBatch>, from: number, to: number): void => {
      for (let i = from; i < to; i++) apo.step(data[i % 4]!, data[(i + 1) % 4]);
    };
    const first = make();
    go(first, 0, 7);
    const { tensors, values: plain } = first.state();
    const saved = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]),
    );
    const middle = tf.clone<tf.Tensor>(theta);
    go(first, 7, 15);
    const expected = values(theta);
    theta.assign(middle);
    const second = make();
    second.restore({ tensors: saved, values: plain });
    go(second, 7, 15);
    expect(values(theta)).toEqual(expected);
    first.dispose();
    second.dispose();
    tf.dispose([theta, middle, ...Object.values(saved), ...data.flatMap(({ x, t }) => [x, t])]);
  });

  it('of the very optimizer changes nothing', async () => {
    const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
    const [a, b] = batches(2);
    const apo = new Apo(objective, sgd(), { interval: 1 });
    apo.step(a!, b);
    const before = await apo.statistics();
    const tensors = tf.memory().numTensors;
    apo.restore(apo.state());
    expect(tf.memory().numTensors).toBe(tensors);
    expect(await apo.statistics()).toEqual(before);
    apo.step(a!, b);
    apo.dispose();
    tf.dispose([theta, a!.x, a!.t, b!.x, b!.t]);
  });

  it('of another rule is refused, naming what differs', () => {
    const { theta, objective } = linearRegression([0.1, -0.2, 0.3]);
    const [a, b] = [new Apo(objective, adam()), new Apo(objective, sgd())];
    expect(() => b.restore(a.state())).toThrow(/firstMoment.* is not known here/);
    expect(() => a.restore(b.state())).toThrow(/firstMoment.* is missing/);
    a.dispose();
    b.dispose();
    theta.dispose();
  });
});

describe('memory of accumulation', () => {
  it('a meta-step on eight micro-batches needs little more than one on a single batch', () => {
    const peak = (count: number): number => {
      const data = Array.from({ length: count }, () => ({
        x: tf.ones<tf.Rank.R2>([2000, 3]),
        t: tf.ones<tf.Rank.R1>([2000]),
      }));
      const { theta, objective } = linearRegression([0, 0, 0]);
      let most = 0;
      const watched = {
        ...objective,
        loss: (outputs: Outputs, batch: RegressionBatch): tf.Scalar => {
          most = Math.max(most, tf.memory().numBytes);
          return objective.loss(outputs, batch);
        },
      };
      const apo = new Apo(watched, sgd(), { preset: 'paper', interval: 1 });
      const before = tf.memory().numBytes;
      apo.step(microBatches(data), microBatches([...data]));
      apo.dispose();
      tf.dispose([theta, ...data.flatMap(({ x, t }) => [x, t])]);
      return most - before;
    };
    // f(x̃, θ) of all eight (8 · 8 kB) is kept; the graphs are not.
    expect(peak(8)).toBeLessThan(3 * peak(1));
  });
});
