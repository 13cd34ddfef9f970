import { expect, test } from 'vitest';
import type { Progress } from './contract.js';
import {
  downloadable,
  EMPTY_RECORD,
  overhead,
  rateByStep,
  stepsPerSecond,
  withProgress,
  wrongAnswers,
} from './record.js';
import { codec } from './settings.js';

const meta = (step: number, rate: number) => ({ step, rate, q: 1, accepted: true });

test('a rate holds from its meta-step until the next', () => {
  expect(rateByStep([meta(1, 0.2), meta(4, 0.5)], 5, 0.1)).toEqual([0.2, 0.2, 0.2, 0.5, 0.5]);
  expect(rateByStep([meta(3, 0.2)], 3, 0.1)).toEqual([0.1, 0.1, 0.2]);
});

test('times: steps a second, and the share by which a self-tuned step takes longer', () => {
  const timing = {
    fixed: { steps: 100, milliseconds: 500 },
    tuned: { steps: 100, milliseconds: 625 },
  };
  expect(stepsPerSecond(timing.fixed)).toBe(200);
  expect(overhead(timing)).toBeCloseTo(0.25, 12);
  const none = { steps: 0, milliseconds: 0 };
  expect(stepsPerSecond(none)).toBeUndefined();
  expect(overhead({ ...timing, tuned: none })).toBeUndefined();
});

test('wrong answers are named by their places', () => {
  expect(wrongAnswers(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 0, 3, 0))).toEqual([1, 3]);
});

const progress = (step: number, fixed: number[], tuned: number[]): Progress => ({
  type: 'progress',
  step,
  losses: { fixed, tuned },
  failedAt: { fixed: null, tuned: null },
  metaSteps: [meta(step, 0.1 * step)],
  evaluation: step === 2 ? null : { step, accuracy: { fixed: 0.5, tuned: 0.75 } },
  answers: null,
  timing: { fixed: { steps: step, milliseconds: 1 }, tuned: { steps: step, milliseconds: 2 } },
  tensors: 40,
});

test('reports add up', () => {
  const record = [progress(2, [3, 2], [3, 1]), progress(3, [1], [0.5])].reduce(withProgress, EMPTY_RECORD);
  expect(record.step).toBe(3);
  expect(record.losses).toEqual({ fixed: [3, 2, 1], tuned: [3, 1, 0.5] });
  expect(record.metaSteps.map(({ step }) => step)).toEqual([2, 3]);
  expect(record.evaluations).toEqual([{ step: 3, accuracy: { fixed: 0.5, tuned: 0.75 } }]);
  expect(EMPTY_RECORD.losses.fixed).toEqual([]);
});

test('the download has the settings, the losses and the accuracies of each run', () => {
  const record = withProgress(EMPTY_RECORD, progress(1, [3], [2.5]));
  const file = downloadable(record, codec.defaults, undefined, 'rate=1');
  expect(JSON.parse(JSON.stringify(file))).toMatchObject({
    address: 'rate=1',
    settings: { model: 'mlp-100', seed: 0 },
    engine: null,
    steps: 1,
    fixed: { losses: [3], accuracy: [{ step: 1, accuracy: 0.5 }], failedAt: null },
    tuned: { losses: [2.5], metaSteps: [{ step: 1, rate: 0.1 }] },
  });
});
