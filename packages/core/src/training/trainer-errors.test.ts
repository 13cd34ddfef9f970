import '#gradients';
import { describe, expect, it } from 'vitest';
import { regressionSource } from '../../test/linear-regression.js';
import { withRun } from '../../test/training-run.js';
import type { Options } from '../../test/training-run.js';
import { Apo } from '../apo.js';
import { nextMacrotask } from './event-loop.js';
import type { SupervisedBatch } from '../objective.js';
import { RuleOptimizer } from '../rule-optimizer.js';
import { sgd } from '../rules/sgd.js';
import type { TrainWithOptimizer } from './train-options.js';
import { train } from './trainer.js';

const refused = expect.objectContaining({ name: 'ApoError', code: 'INVALID_ARGUMENT' }) as Error;

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

  it('wait for a loss that is still being read, so that it does not leak', async () => {
    await withRun(
      ({ go }) => expect(go({ steps: 2, callbacks: { onStep: fail } })).rejects.toThrow('from the callback'),
      ({ objective }) => {
        const optimizer = new RuleOptimizer(objective, sgd());
        const step = optimizer.step.bind(optimizer);
        optimizer.step = (...args) => {
          const loss = step(...args);
          if (loss) {
            const data = loss.data.bind(loss);
            loss.data = async () => {
              await nextMacrotask();
              return data();
            };
          }
          return loss;
        };
        return optimizer;
      },
    );
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
