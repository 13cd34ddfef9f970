import '#gradients';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bits, regression, regressionSource } from '../../test/linear-regression.js';
import type { Regression } from '../../test/linear-regression.js';
import { loss, withRun } from '../../test/training-run.js';
import { Apo } from '../apo.js';
import type { SupervisedBatch } from '../objective.js';
import { batchList } from '../optimizer.js';
import type { MetaStepStatistics, Optimizer } from '../optimizer.js';
import { RuleOptimizer } from '../rule-optimizer.js';
import { sgd } from '../rules/sgd.js';
import { linearWarmup } from '../schedule.js';
import type { TrainPosition } from './train-options.js';
import type { TrainLog } from './training-log.js';
import { train } from './trainer.js';

describe('train', () => {
  it('takes the same steps as a loop by hand', async () => {
    const byHand = await withRun(async ({ model, optimizer, source }) => {
      for (let i = 0; i < 12; i++) {
        const batch = source.next() as SupervisedBatch;
        optimizer.step(batch);
        source.release(batch);
      }
      return bits(model.weights, model.bias);
    });
    await withRun(async ({ model, go }) => {
      const before = loss(model);
      const result = await go({ steps: 12 });
      expect(bits(model.weights, model.bias)).toEqual(byHand);
      expect(loss(model)).toBeLessThan(before / 2);
      expect(result).toMatchObject({ steps: 12, epochs: 2, stopped: 'steps' });
      expect([result.failed, result.lastMetrics, result.bestMetric]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(result.learningRates['all']).toBeCloseTo(0.1, 6);
      expect(Number.isFinite(result.stepsPerSecond)).toBe(true);
      expect(result.stepsPerSecond).toBeGreaterThan(0);
    });
  });

  it('makes an Apo from an objective and a rule, the same as one made by hand', async () => {
    const make = ({ objective }: Regression): Apo<SupervisedBatch> =>
      new Apo(objective, sgd(), { interval: 2 });
    const own = await withRun(async ({ model, go }) => {
      await go({ steps: 8 });
      return bits(model.weights, model.bias);
    }, make);
    const model = regression();
    const source = regressionSource();
    const tensors = tf.memory().numTensors;
    await train({ objective: model.objective, rule: sgd(), options: { interval: 2 }, source, steps: 8 });
    expect(bits(model.weights, model.bias)).toEqual(own);
    expect(tf.memory().numTensors).toBe(tensors);
    model.dispose();
  });

  it('prepares each step with its own batch, and waits for it', async () => {
    const calls: string[] = [];
    await withRun(async ({ optimizer, go }) => {
      let prepared: unknown;
      const step = optimizer.step.bind(optimizer);
      optimizer.prepare = async (batch) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        prepared = batch;
        calls.push('prepared');
      };
      optimizer.step = (batch, ...rest) => {
        calls.push(batch === prepared ? 'stepped' : 'not prepared');
        return step(batch, ...rest);
      };
      await go({ steps: 2 });
    });
    expect(calls).toEqual(['prepared', 'stepped', 'prepared', 'stepped']);
  });

  it('calls back in order, at the right steps', async () => {
    const calls: string[] = [];
    const logs: TrainLog[] = [];
    await withRun(({ go }) =>
      go({
        epochs: 2,
        logEvery: 4,
        evaluate: () => ({ accuracy: 1 }),
        callbacks: {
          onStart: ({ step, steps }) => calls.push(`start ${step}/${steps}`),
          onStep: ({ step, epoch }) => calls.push(`step ${step} of epoch ${epoch}`),
          onLog: (entry) => {
            logs.push(entry);
            calls.push(`log ${entry.step}`);
          },
          onEvaluate: ({ step, metrics }) => calls.push(`evaluate ${step}: ${metrics['accuracy']!}`),
          onEpochEnd: ({ step, epoch }) => calls.push(`epoch ${epoch} ends at ${step}`),
          onEnd: ({ stopped }) => calls.push(`end: ${stopped}`),
        },
      }),
    );
    // Five batches an epoch. A log comes at the latest one step after its own; before an evaluation all have come.
    const order = (before: string, after: string): void =>
      expect(calls.indexOf(before)).toBeLessThan(calls.indexOf(after));
    expect(calls.filter((call) => !call.startsWith('log'))).toEqual([
      'start 0/10',
      ...[1, 2, 3, 4, 5].map((step) => `step ${step} of epoch 1`),
      'evaluate 5: 1',
      'epoch 1 ends at 5',
      ...[6, 7, 8, 9, 10].map((step) => `step ${step} of epoch 2`),
      'evaluate 10: 1',
      'epoch 2 ends at 10',
      'end: steps',
    ]);
    expect(calls.filter((call) => call.startsWith('log'))).toEqual(['log 1', 'log 4', 'log 8', 'log 10']);
    order('log 1', 'step 3 of epoch 1');
    order('log 4', 'evaluate 5: 1');
    order('log 10', 'evaluate 10: 1');
    expect(logs.map(({ step, epoch }) => [step, epoch])).toEqual([
      [1, 1],
      [4, 1],
      [8, 2],
      [10, 2],
    ]);
    for (const { stepsPerSecond, timeLeft } of logs) {
      expect(Number.isFinite(stepsPerSecond) && stepsPerSecond > 0).toBe(true);
      expect(Number.isFinite(timeLeft) && timeLeft >= 0).toBe(true);
    }
    expect(logs.at(-1)!.timeLeft).toBe(0);
  });

  it('logs the loss before the step and the scheduled rate, and reads nothing in between', async () => {
    const read: number[] = [];
    let [initial, first] = [NaN, NaN];
    await withRun(
      async ({ model, source, go }) => {
        initial = await lossOfFirstBatch(model);
        const logs: TrainLog[] = [];
        const result = await go({ steps: 5, logEvery: 2, callbacks: { onLog: (entry) => logs.push(entry) } });
        first = logs[0]!.loss;
        // 0.1 · step/10.
        expect(logs.map(({ step }) => step)).toEqual([1, 2, 4, 5]);
        logs.forEach(({ step, learningRate }) => expect(learningRate).toBeCloseTo(0.01 * step, 6));
        expect(result.lastLoss).toBe(logs.at(-1)!.loss);
        expect(source.drawn).toHaveLength(5);
      },
      (model) => {
        const schedule = linearWarmup(10);
        const optimizer = new RuleOptimizer(model.objective, sgd({ learningRate: 0.1 }), { schedule });
        const step = optimizer.step.bind(optimizer);
        optimizer.step = (batch, other, options) => {
          if (options?.returnLoss) read.push(optimizer.steps + 1);
          return step(batch, other, options);
        };
        return optimizer;
      },
    );
    expect(first).toBe(initial);
    expect(read).toEqual([1, 2, 4, 5]);
  });

  it('gives the batch of the step before as B′, or draws it from a source of its own', async () => {
    const pairs: [number, number | undefined][] = [];
    const make = (model: Regression): Optimizer<SupervisedBatch> => {
      const optimizer = new RuleOptimizer(model.objective, sgd());
      const key = (b: Parameters<typeof optimizer.step>[0]): number => batchList(b)[0]!.inputs.dataSync()[0]!;
      const step = optimizer.step.bind(optimizer);
      optimizer.step = (batch, other, options) => {
        pairs.push([key(batch), other && key(other)]);
        return step(batch, other, options);
      };
      return optimizer;
    };
    await withRun(({ go }) => go({ steps: 4 }), make);
    expect(pairs.map(([, other]) => other)).toEqual([
      undefined,
      ...pairs.slice(0, 3).map(([batch]) => batch),
    ]);

    pairs.length = 0;
    await withRun(({ go }) => go({ steps: 2, otherBatch: 'same' }), make);
    expect(pairs.map(([, other]) => other)).toEqual([undefined, undefined]);

    pairs.length = 0;
    await withRun(async ({ go }) => {
      const fsdSource = regressionSource({ seed: 9 });
      await go({ steps: 3, fsdSource });
      expect([fsdSource.drawn.length, fsdSource.outstanding]).toEqual([3, 0]);
    }, make);
    const alone = regressionSource({ seed: 9 });
    const expected = [1, 2, 3].map(() => {
      const batch = alone.next() as SupervisedBatch;
      const key = batch.inputs.dataSync()[0];
      alone.release(batch);
      return key;
    });
    expect(pairs.map(([, other]) => other)).toEqual(expected);
  });

  it('accumulates: two batches of 4 make the step of one batch of 8', async () => {
    const one = await withRun(async ({ model, optimizer }) => {
      await train({ optimizer, source: regressionSource({ batchSize: 8 }), steps: 2 });
      return [...model.weights.dataSync(), ...model.bias.dataSync()];
    });
    const two = await withRun(async ({ model, go }) => {
      // Five batches of 4 an epoch, two a step: the second epoch begins within step 3.
      const epochs: TrainPosition[] = [];
      const callbacks = { onEpochEnd: (position: TrainPosition) => epochs.push(position) };
      const result = await go({ steps: 2, accumulate: 2, callbacks });
      expect([result.epochs, epochs]).toEqual([0, []]);
      return [...model.weights.dataSync(), ...model.bias.dataSync()];
    });
    two.forEach((value, i) => expect(value).toBeCloseTo(one[i]!, 6));
    await withRun(async ({ source, go }) => {
      // Two epochs are 10 batches, that is 5 steps; the first ends within step 3.
      const epochs: TrainPosition[] = [];
      const callbacks = { onEpochEnd: (position: TrainPosition) => epochs.push(position) };
      expect(await go({ epochs: 2, accumulate: 2, callbacks })).toMatchObject({ steps: 5, epochs: 2 });
      expect(source.drawn).toHaveLength(10);
      expect(epochs).toEqual([
        { step: 3, epoch: 1 },
        { step: 5, epoch: 2 },
      ]);
    });
  });

  it('tells of every meta-step, in order, before it ends', async () => {
    const heard: MetaStepStatistics[] = [];
    await withRun(
      ({ go }) => go({ steps: 9, callbacks: { onMetaStep: (statistics) => heard.push(statistics) } }),
      ({ objective }) => new Apo(objective, sgd(), { interval: 4, denseSteps: 0 }),
    );
    // Meta-steps at steps 1, 5 and 9.
    expect(heard.map(({ step }) => step)).toEqual([1, 5, 9]);
    expect(heard.every(({ q }) => Number.isFinite(q))).toBe(true);
  });

  it('lets timers run while it trains', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const controller = new AbortController();
    const result = await withRun(({ go }) =>
      go({
        steps: 1_000_000,
        otherBatch: 'same',
        signal: controller.signal,
        // Nothing but the turns that train gives to the event loop lets the timer fire.
        callbacks: { onStep: () => ticks >= 2 && controller.abort() },
      }),
    );
    clearInterval(timer);
    expect(result.stopped).toBe('aborted');
  });
});

/** The loss of the model as it is on the first batch of a fresh source. */
async function lossOfFirstBatch({ objective }: Regression): Promise<number> {
  const source = regressionSource();
  const batch = source.next() as SupervisedBatch;
  const value = tf.tidy(() => objective.loss(objective.predict(batch, false), batch));
  const [first] = await value.data();
  value.dispose();
  source.release(batch);
  return first!;
}
