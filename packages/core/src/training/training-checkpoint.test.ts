import '#gradients';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bits, regression, regressionSource } from '../../test/linear-regression.js';
import type { CountingSource, Regression } from '../../test/linear-regression.js';
import { Apo } from '../apo.js';
import { encodeCheckpoint } from './checkpoint.js';
import type { ApoErrorCode } from '../errors.js';
import type { SupervisedBatch } from '../objective.js';
import type { Optimizer } from '../optimizer.js';
import { RuleOptimizer } from '../rule-optimizer.js';
import { adam } from '../rules/adam.js';
import { momentum } from '../rules/momentum.js';
import { sgd } from '../rules/sgd.js';
import { restoreTraining, saveTraining } from './training-checkpoint.js';

const error = (code: ApoErrorCode): Error => expect.objectContaining({ name: 'ApoError', code }) as Error;

interface Run extends Regression {
  readonly optimizer: Optimizer<SupervisedBatch>;
  readonly source: CountingSource;
}

type Make = (model: Regression) => Optimizer<SupervisedBatch>;
const adamRun: Make = ({ objective }) => new RuleOptimizer(objective, adam({ learningRate: 0.05 }));
const apoRun: Make = ({ objective }) => new Apo(objective, momentum(), { interval: 2, seed: 3 });

function start(make: Make, options: Parameters<typeof regression>[0] = {}): Run {
  const model = regression(options);
  const optimizer = make(model);
  return {
    ...model,
    optimizer,
    source: regressionSource(),
    dispose: () => {
      optimizer.dispose();
      model.dispose();
    },
  };
}

function steps({ optimizer, source }: Run, count: number): void {
  for (let i = 0; i < count; i++) {
    const batch = source.next() as SupervisedBatch;
    optimizer.step(batch);
    source.release(batch);
  }
}

/** Everything a run consists of, to the bit. */
function fingerprint({ optimizer, source, weights, bias, counter }: Run): unknown {
  const { tensors, values } = optimizer.state();
  const state = Object.entries(tensors).map(([name, tensor]) => [name, bits(tensor)]);
  return [bits(weights, bias, counter), Object.fromEntries(state), values, optimizer.steps, source.state()];
}

describe.each([
  ['a fixed rate', adamRun],
  ['an adapted rate', apoRun],
])('saveTraining and restoreTraining with %s', (_, make) => {
  it('continue a run bit for bit', async () => {
    const whole = start(make);
    steps(whole, 14);
    const expected = fingerprint(whole);
    whole.dispose();

    const first = start(make);
    steps(first, 7);
    const bytes = await saveTraining(first.optimizer, first.source, { note: 'half' });
    first.dispose();

    const second = start(make);
    expect(restoreTraining(bytes, second.optimizer, second.source)).toEqual({ note: 'half' });
    expect(second.optimizer.steps).toBe(7);
    steps(second, 7);
    expect(fingerprint(second)).toEqual(expected);
    second.dispose();
  });

  it('leak nothing and give the same bytes again', async () => {
    const run = start(make);
    steps(run, 2);
    const before = tf.memory().numTensors;
    const bytes = await saveTraining(run.optimizer, run.source);
    expect(tf.memory().numTensors).toBe(before);
    restoreTraining(bytes, run.optimizer, run.source);
    expect(tf.memory().numTensors).toBe(before);
    expect(await saveTraining(run.optimizer, run.source)).toEqual(bytes);
    run.dispose();
  });
});

it('restores the variables that a forward pass moves', async () => {
  const run = start(adamRun);
  tf.tidy(() => run.counter.assign(tf.scalar(41.5)));
  const bytes = await saveTraining(run.optimizer);
  tf.tidy(() => run.counter.assign(tf.scalar(0)));
  expect(restoreTraining(bytes, run.optimizer)).toEqual({});
  expect(run.counter.dataSync()[0]).toBe(41.5);
  run.dispose();
});

describe('restoreTraining refuses, and changes nothing for', () => {
  /** Saves one run, then tries to restore it into another, whose every bit must stay. */
  async function refuses(
    saved: Run,
    other: () => Run,
    code: ApoErrorCode,
    ...messages: RegExp[]
  ): Promise<void> {
    steps(saved, 3);
    const bytes = await saveTraining(saved.optimizer, saved.source);
    saved.dispose();
    const run = other();
    const [before, tensors] = [fingerprint(run), tf.memory().numTensors];
    const restore = (): unknown => restoreTraining(bytes, run.optimizer, run.source);
    expect(restore).toThrow(error(code));
    for (const message of messages) expect(restore).toThrow(message);
    expect(fingerprint(run)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    run.dispose();
  }

  it('other shapes, which it lists', async () => {
    const other = (): Run => start(adamRun, { features: 2 });
    const message = /variable weights is float32 \[3, 1\] in the file, float32 \[2, 1\] in the model/;
    await refuses(start(adamRun), other, 'CHECKPOINT_MISMATCH', message);
  });

  it('other names, which it lists', async () => {
    await refuses(
      start(adamRun),
      () => start(adamRun, { prefix: 'b/' }),
      'CHECKPOINT_MISMATCH',
      /variable b\/weights is missing from the file/,
      /variable weights is in the file only/,
    );
  });

  it('another rule', async () => {
    const other = (): Run => start(({ objective }) => new RuleOptimizer(objective, sgd()));
    await refuses(
      start(adamRun),
      other,
      'CHECKPOINT_MISMATCH',
      /saved by the optimizer adam, this one is sgd/,
    );
  });

  it('a source that refuses its state after the optimizer took its own', async () => {
    const other = (): Run => {
      const run = start(adamRun);
      let calls = 0;
      const restore: CountingSource['restore'] = (state) => {
        // Every first call refuses, every second one is the way back.
        if (calls++ % 2 === 0)
          throw Object.assign(new Error('other data'), { name: 'ApoError', code: 'DATA_CORRUPT' });
        run.source.restore(state);
      };
      return { ...run, source: Object.assign(Object.create(run.source) as CountingSource, { restore }) };
    };
    await refuses(start(adamRun), other, 'DATA_CORRUPT', /other data/);
  });

  it('a file without a position, when a source is given', async () => {
    const run = start(adamRun);
    const bytes = await saveTraining(run.optimizer);
    steps(run, 1);
    const before = fingerprint(run);
    expect(() => restoreTraining(bytes, run.optimizer, run.source)).toThrow(/saved without a batch source/);
    expect(fingerprint(run)).toEqual(before);
    run.dispose();
  });

  it('a checkpoint that is not a training run', async () => {
    const run = start(adamRun);
    const bytes = await encodeCheckpoint({ tensors: {}, values: {} });
    expect(() => restoreTraining(bytes, run.optimizer)).toThrow(error('CHECKPOINT_MISMATCH'));
    run.dispose();
  });
});
