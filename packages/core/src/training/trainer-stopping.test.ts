import '#gradients';
import { describe, expect, it } from 'vitest';
import { bits } from '../../test/linear-regression.js';
import type { Regression } from '../../test/linear-regression.js';
import { loss, withRun } from '../../test/training-run.js';
import type { SupervisedBatch } from '../objective.js';
import type { Optimizer } from '../optimizer.js';
import { RuleOptimizer } from '../rule-optimizer.js';
import { sgd } from '../rules/sgd.js';
import type { TrainEvaluation } from './train-options.js';

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
