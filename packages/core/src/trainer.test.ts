import '#gradients';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { bits, regression, regressionSource } from '../test/linear-regression.js';
import type { Regression } from '../test/linear-regression.js';
import { Apo } from './apo.js';
import type { SupervisedBatch } from './objective.js';
import { batchList } from './optimizer.js';
import type { MetaStepStatistics, Optimizer } from './optimizer.js';
import { RuleOptimizer } from './rule-optimizer.js';
import { momentum } from './rules/momentum.js';
import { sgd } from './rules/sgd.js';
import { linearWarmup } from './schedule.js';
import type { TrainEvaluation, TrainPosition, TrainWithOptimizer } from './train-options.js';
import type { TrainLog } from './training-log.js';
import { train } from './trainer.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Options = Omit<TrainWithOptimizer<SupervisedBatch>, 'optimizer' | 'source'>;
const refused = expect.objectContaining({ name: 'ApoError', code: 'INVALID_ARGUMENT' }) as Error;

/** Runs `body` with a fresh model, optimizer and source, and checks that nothing is left of the run. */
async function withRun<T>(
  body: (run: {
    model: Regression;
    optimizer: Optimizer<SupervisedBatch>;
    source: ReturnType<typeof regressionSource>;
    go: (options: Options) => ReturnType<typeof train<SupervisedBatch>>;
  }) => Promise<T>,
  make = ({ objective }: Regression): Optimizer<SupervisedBatch> =>
    new RuleOptimizer(objective, sgd({ learningRate: 0.1 })),
): Promise<T> {
  const model = regression();
  const optimizer = make(model);
  const source = regressionSource();
  const tensors = tf.memory().numTensors;
  try {
    const result = await body({
      model,
      optimizer,
      source,
      go: (options) => train({ optimizer, source, ...options }),
    });
    expect(source.outstanding).toBe(0);
    expect(tf.memory().numTensors).toBe(tensors);
    return result;
  } finally {
    optimizer.dispose();
    model.dispose();
  }
}

/** Full-data loss of the model as it is. */
function loss({ objective }: Regression): number {
  const source = regressionSource({ size: 20, batchSize: 20 });
  const batch = source.next() as SupervisedBatch;
  const [value] = tf.tidy(() => objective.loss(objective.predict(batch, false), batch).dataSync());
  source.release(batch);
  return value!;
}

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

describe('stopping', () => {
  const watch = { metric: 'error', mode: 'min' } as const;

  it('stops early and puts back the best weights', async () => {
    await withRun(async ({ model, go }) => {
      const errors = [3, 1, 2, 2, 0];
      const seen: TrainEvaluation[] = [];
      const best: number[] = [];
      const result = await go({
        steps: 20,
        evaluate: async () => ({ error: errors[seen.length]! }),
        evaluateEvery: 2,
        earlyStopping: { ...watch, patience: 2 },
        restoreBestWeights: true,
        callbacks: {
          onEvaluate: (evaluation) => {
            seen.push(evaluation);
            if (evaluation.improved) best.splice(0, Infinity, ...bits(model.weights, model.bias));
          },
        },
      });
      expect(seen.map(({ step, improved }) => [step, improved])).toEqual([
        [2, true],
        [4, true],
        [6, false],
        [8, false],
      ]);
      expect(result).toMatchObject({ steps: 8, stopped: 'early', bestMetric: 1, lastMetrics: { error: 2 } });
      expect(bits(model.weights, model.bias)).toEqual(best);
    });
  });

  it('keeps the last weights unless asked', async () => {
    const last = await withRun(async ({ model, go }) => {
      await go({ steps: 6 });
      return bits(model.weights);
    });
    await withRun(async ({ model, go }) => {
      let n = 0;
      const result = await go({
        steps: 6,
        evaluate: () => ({ error: n++ }),
        evaluateEvery: 2,
        earlyStopping: watch,
      });
      expect(result).toMatchObject({ stopped: 'steps', bestMetric: 0 });
      expect(bits(model.weights)).toEqual(last);
    });
  });

  it('stops at an abort, with a checkpoint', async () => {
    await withRun(async ({ go }) => {
      const controller = new AbortController();
      const checkpoints: number[] = [];
      const result = await go({
        steps: 100,
        signal: controller.signal,
        onCheckpoint: (_, { step }) => checkpoints.push(step),
        callbacks: { onStep: ({ step }) => step === 7 && controller.abort() },
      });
      expect(result).toMatchObject({ steps: 7, stopped: 'aborted' });
      expect(checkpoints).toEqual([7]);
    });
    await withRun(async ({ go, source }) => {
      expect(await go({ steps: 5, signal: AbortSignal.abort() })).toMatchObject({
        steps: 0,
        lastLoss: undefined,
      });
      expect(source.drawn).toEqual([]);
    });
  });

  // Squared error with a rate of 1e30: the first step's loss is finite, the second overflows.
  const diverging = ({ objective }: Regression): Optimizer<SupervisedBatch> =>
    new RuleOptimizer(objective, sgd({ learningRate: 1e30 }));

  it('ends a run whose loss is no longer finite, at the latest one step later', async () => {
    await withRun(async ({ go }) => {
      let checkpoints = 0;
      const result = await go({ steps: 100, logEvery: 1, onCheckpoint: () => checkpoints++ });
      expect(result.stopped).toBe('non-finite');
      expect(result.failed?.step).toBe(2);
      expect(Number.isFinite(result.failed?.loss)).toBe(false);
      expect([2, 3]).toContain(result.steps);
      expect(checkpoints).toBe(0);
    }, diverging);
  });

  it('goes on when told to, and still says that it failed', async () => {
    await withRun(async ({ go }) => {
      const result = await go({ steps: 6, logEvery: 1, stopOnNonFinite: false });
      expect(result).toMatchObject({ stopped: 'steps', steps: 6, failed: { step: 2 } });
    }, diverging);
  });

  it('puts back the best weights also after a failure', async () => {
    // With a rate of 1e4 the squared error grows about 1e8-fold a step: finite at first, infinite within ten steps.
    const slower = ({ objective }: Regression): Optimizer<SupervisedBatch> =>
      new RuleOptimizer(objective, sgd({ learningRate: 1e4 }));
    await withRun(async ({ model, go }) => {
      const result = await go({
        steps: 50,
        logEvery: 10,
        evaluate: () => ({ error: loss(model) }),
        evaluateEvery: 1,
        earlyStopping: watch,
        restoreBestWeights: true,
      });
      expect(result.stopped).toBe('non-finite');
      expect(Number.isFinite(result.bestMetric)).toBe(true);
      expect(loss(model)).toBe(result.bestMetric);
    }, slower);
  });
});

describe('checkpoints', () => {
  const apo = ({ objective }: Regression): Optimizer<SupervisedBatch> =>
    new Apo(objective, momentum(), { interval: 3, denseSteps: 2 });

  const everything = (
    { weights, bias }: Regression,
    optimizer: Optimizer<SupervisedBatch>,
    source: ReturnType<typeof regressionSource>,
  ): unknown => [bits(weights, bias), bits(...Object.values(optimizer.state().tensors)), source.state()];

  /** Evaluations that improve at step 4 and never again. */
  const evaluation: Options = {
    evaluateEvery: 2,
    earlyStopping: { metric: 'error', mode: 'min', patience: 4 },
    restoreBestWeights: true,
  };
  const errorAt = (model: { optimizer: Optimizer<SupervisedBatch> }) => () => ({
    error: Math.abs(model.optimizer.steps - 4),
  });

  it.each<[string, Partial<Options> & { accumulate?: number }, boolean]>([
    ['the previous batch as B′', {}, false],
    ['accumulation', { accumulate: 2 }, false],
    ['a source of its own for B′', {}, true],
  ])('resume bit for bit, with %s, early stopping and best weights', async (_, options, own) => {
    const fsd = (): Partial<Options> => (own ? { fsdSource: regressionSource({ seed: 5 }) } : {});
    const saved: Uint8Array[] = [];
    const whole = await withRun(async ({ model, optimizer, source, go }) => {
      const result = await go({
        ...options,
        ...evaluation,
        ...fsd(),
        evaluate: errorAt({ optimizer }),
        steps: 30,
        checkpointEvery: 7,
        onCheckpoint: (bytes) => saved.push(bytes),
        checkpointValues: () => ({ task: 'regression' }),
      });
      // Best at 4; evaluations 6, 8, 10, 12 do not improve.
      expect(result).toMatchObject({ steps: 12, stopped: 'early', bestMetric: 0 });
      return everything(model, optimizer, source);
    }, apo);
    // At step 7 and at the end.
    expect(saved).toHaveLength(2);

    await withRun(async ({ model, optimizer, source, go }) => {
      const starts: number[] = [];
      const result = await go({
        ...options,
        ...evaluation,
        ...fsd(),
        evaluate: errorAt({ optimizer }),
        steps: 30,
        resume: saved[0]!,
        callbacks: { onStart: ({ step }) => starts.push(step) },
      });
      expect(starts).toEqual([7]);
      expect(result).toMatchObject({ steps: 12, stopped: 'early', bestMetric: 0 });
      expect(everything(model, optimizer, source)).toEqual(whole);
    }, apo);
  });

  it('refuse a run that is already longer, and change nothing', async () => {
    const saved: Uint8Array[] = [];
    await withRun(({ go }) => go({ steps: 4, onCheckpoint: (bytes) => saved.push(bytes) }));
    await withRun(async ({ model, source, go }) => {
      await expect(go({ steps: 3, resume: saved[0]! })).rejects.toThrow(/4 steps are already taken/);
      expect(bits(model.weights)).toEqual([0, 0, 0]);
      expect(source.state()).toEqual(regressionSource().state());
    });
  });

  it('are not needed to continue by hand', async () => {
    await withRun(async ({ go }) => {
      await go({ steps: 3 });
      const steps: number[] = [];
      const callbacks = { onStep: ({ step }: TrainPosition) => steps.push(step) };
      const result = await go({ steps: 5, startStep: 3, callbacks });
      expect([result.steps, steps]).toEqual([5, [4, 5]]);
    });
  });
});

describe('errors', () => {
  const fail = (): never => {
    throw new Error('from the callback');
  };
  it.each(['onStart', 'onStep', 'onLog', 'onMetaStep', 'onEvaluate', 'onEpochEnd', 'onEnd'] as const)(
    'in %s end the run and leak nothing',
    async (name) => {
      await withRun(
        async ({ go }) => {
          const run = go({ steps: 6, evaluate: () => ({ a: 1 }), logEvery: 1, callbacks: { [name]: fail } });
          await expect(run).rejects.toThrow('from the callback');
        },
        ({ objective }) => new Apo(objective, sgd()),
      );
    },
  );

  it('in evaluate, onCheckpoint and the source end the run and leak nothing', async () => {
    await withRun(({ go }) => expect(go({ steps: 9, evaluate: fail })).rejects.toThrow('from the callback'));
    await withRun(({ go }) =>
      expect(go({ steps: 9, checkpointEvery: 2, onCheckpoint: fail })).rejects.toThrow('from the callback'),
    );
    await withRun(async ({ optimizer, source }) => {
      let draws = 0;
      const next = (): ReturnType<typeof source.next> => (++draws > 3 ? fail() : source.next());
      await expect(train({ optimizer, source: { ...source, next }, steps: 9 })).rejects.toThrow(
        'from the callback',
      );
      expect(optimizer.steps).toBe(3);
    });
  });

  const cases: [string, Partial<Options>, RegExp][] = [
    ['neither steps nor epochs', {}, /exactly one of steps and epochs/],
    ['both steps and epochs', { steps: 1, epochs: 1 }, /exactly one of steps and epochs/],
    ['no steps', { steps: 0 }, /steps is 0/],
    ['logEvery 0', { steps: 1, logEvery: 0 }, /logEvery is 0/],
    ['accumulate 1.5', { steps: 1, accumulate: 1.5 }, /accumulate is 1.5/],
    [
      'early stopping without evaluate',
      { steps: 1, earlyStopping: { metric: 'a', mode: 'min' } },
      /need evaluate/,
    ],
    ['best weights without a metric', { steps: 1, restoreBestWeights: true }, /needs earlyStopping/],
    ['checkpointEvery alone', { steps: 1, checkpointEvery: 1 }, /needs onCheckpoint/],
    ['startStep beyond the end', { steps: 1, startStep: 2 }, /2 steps are already taken/],
    ['an unknown otherBatch', { steps: 1, otherBatch: 'next' as 'same' }, /otherBatch is "next"/],
    [
      'two places for B′',
      { steps: 1, otherBatch: 'same', fsdSource: regressionSource() },
      /give one of them/,
    ],
    ['two places to start', { steps: 1, startStep: 0, resume: new Uint8Array() }, /leave startStep out/],
  ];
  it.each(cases)('%s: refused before anything happens', async (_, options, message) => {
    await withRun(async ({ go, source }) => {
      await expect(go(options)).rejects.toThrow(message);
      await expect(go(options)).rejects.toThrow(refused);
      expect(source.drawn).toEqual([]);
    });
  });

  it('epochs of a source without epochs, and neither optimizer nor rule: refused', async () => {
    await withRun(async ({ optimizer, source }) => {
      const endless = { ...source, batchesPerEpoch: Infinity };
      await expect(train({ optimizer, source: endless, epochs: 1 })).rejects.toThrow(/has no epochs/);
      const nothing = { source, steps: 1 } as unknown as TrainWithOptimizer<SupervisedBatch>;
      await expect(train(nothing)).rejects.toThrow(/either optimizer alone, or objective and rule/);
    });
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
