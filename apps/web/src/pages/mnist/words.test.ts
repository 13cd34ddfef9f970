import { expect, test } from 'vitest';
import { EMPTY_RECORD } from './record.js';
import type { RunRecord } from './record.js';
import { accuracyText, lossSummary, rateSummary } from './words.js';

const record: RunRecord = {
  ...EMPTY_RECORD,
  step: 30,
  metaSteps: [{ step: 21, rate: 0.25, q: 1, accepted: true }],
  evaluations: [{ step: 25, accuracy: { fixed: 0.5, tuned: 0.912 } }],
};

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

test('the accuracy of both runs', () => {
  expect(accuracyText(record)).toBe(
    'The fixed rate reads 50.0 % of the test digits right, the self-tuned one reads 91.2 % of the test digits right.',
  );
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
