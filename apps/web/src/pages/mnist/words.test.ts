import { expect, test } from 'vitest';
import { EMPTY_RECORD } from './record.js';
import type { RunRecord } from './record.js';
import { accuracyText, lossSummary, rateSummary, statusText } from './words.js';

const record: RunRecord = {
  ...EMPTY_RECORD,
  step: 30,
  metaSteps: [{ step: 21, rate: 0.25, q: 1, accepted: true }],
  evaluations: [{ step: 25, accuracy: { fixed: 0.5, tuned: 0.912 } }],
};
const engine = { engine: 'wasm', threads: 2, hardware: 'SIMD', why: '', warning: '' } as const;

test('each phase has its sentence', () => {
  const none = { loaded: 0, total: 0 };
  expect(statusText('idle', none, undefined, EMPTY_RECORD)).toBe('Ready.');
  expect(statusText('loading', { loaded: 2, total: 6 }, undefined, EMPTY_RECORD)).toBe(
    'Loading MNIST: 2 of 6 files.',
  );
  expect(statusText('loading', { loaded: 6, total: 6 }, undefined, EMPTY_RECORD)).toBe(
    'Starting the engine.',
  );
  expect(statusText('running', none, engine, record)).toBe('Training on WASM on 2 threads (SIMD).');
  expect(statusText('paused', none, engine, record)).toBe('Paused after 30 steps.');
  expect(statusText('finished', none, engine, record)).toBe(
    'Done after 30 steps. The fixed rate reads 50.0 % of the test digits right, the self-tuned one reads 91.2 % of the test digits right.',
  );
  expect(statusText('failed', none, engine, record)).toBe('Stopped by an error.');
});

test('a run that broke down is said to have', () => {
  const broken: RunRecord = {
    ...record,
    failedAt: { fixed: 12, tuned: null },
    evaluations: [{ step: 25, accuracy: { fixed: null, tuned: 0.9 } }],
  };
  expect(accuracyText(broken)).toBe(
    'The fixed rate broke down at step 12, the self-tuned one reads 90.0 % of the test digits right.',
  );
  expect(accuracyText(EMPTY_RECORD)).toBe('');
});

test('charts say what they show', () => {
  expect(lossSummary({ fixed: [2.5, 2], tuned: [2.5, 0.5] }, record)).toBe(
    'Training loss by step. After 30 steps: fixed rate 2, self-tuned 0.5.',
  );
  expect(rateSummary(1e-5, record)).toBe(
    'Learning rate by step. After 30 steps and 1 meta-step: fixed 10⁻⁵, self-tuned 0.25.',
  );
  expect(rateSummary(1e-5, EMPTY_RECORD)).toBe('Learning rate by step; nothing yet.');
  expect(lossSummary({ fixed: [], tuned: [] }, EMPTY_RECORD)).toBe('Training loss by step; nothing yet.');
});
