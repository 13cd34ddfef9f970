import '#gradients';
import { describe, expect, it } from 'vitest';
import { bits, regressionSource } from '../../test/linear-regression.js';
import type { Regression } from '../../test/linear-regression.js';
import { withRun } from '../../test/training-run.js';
import type { Options } from '../../test/training-run.js';
import { Apo } from '../apo.js';
import type { SupervisedBatch } from '../objective.js';
import type { Optimizer } from '../optimizer.js';
import { momentum } from '../rules/momentum.js';
import type { TrainPosition } from './train-options.js';

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
        // The step after it is a meta-step, which uses the previous batch.
        checkpointEvery: 6,
        onCheckpoint: (bytes) => saved.push(bytes),
        checkpointValues: () => ({ task: 'regression' }),
      });
      // Best at 4; evaluations 6, 8, 10, 12 do not improve.
      expect(result).toMatchObject({ steps: 12, stopped: 'early', bestMetric: 0 });
      return everything(model, optimizer, source);
    }, apo);
    // At step 6, and at the end.
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
      expect(starts).toEqual([6]);
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
