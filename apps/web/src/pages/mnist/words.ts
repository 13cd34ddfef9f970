/** What the page says about a run, from what it knows of it. */
import { formatCount, formatNumber, formatPercent } from '../../ui/format.js';
import type { ByRun } from './contract.js';
import type { RunRecord } from './record.js';
import type { ModelName, OptimizerName } from './settings.js';

export const MODEL_LABELS: Readonly<Record<ModelName, string>> = {
  'mlp-32': '784-32-10',
  'mlp-100': '784-100-10',
  'mlp-256': '784-256-256-10',
  lenet: 'LeNet',
};

export const OPTIMIZER_LABELS: Readonly<Record<OptimizerName, string>> = {
  sgd: 'SGD',
  momentum: 'Momentum',
  rmsprop: 'RMSprop',
  adam: 'Adam',
};

/** What the last evaluation has found. */
export function accuracyText({ evaluations, failedAt }: RunRecord): string {
  const last = evaluations.at(-1);
  if (last === undefined) return '';
  const { fixed, tuned } = last.accuracy;
  const one = (name: string, share: number | null, failed: number | null): string =>
    share === null
      ? `${name} broke down at step ${failed ?? last.step}`
      : `${name} reads ${formatPercent(share)} of the test digits right`;
  return `${one('The fixed rate', fixed, failedAt.fixed)}, ${one('the self-tuned one', tuned, failedAt.tuned)}.`;
}

/** The chart of the losses in words. */
export function lossSummary(smooth: ByRun<readonly number[]>, { step }: RunRecord): string {
  const [fixed, tuned] = [smooth.fixed.at(-1), smooth.tuned.at(-1)];
  if (step === 0 || fixed === undefined || tuned === undefined) return 'Training loss by step; nothing yet.';
  return `Training loss by step. After ${formatCount(step, 'step')}: fixed rate ${formatNumber(fixed)}, self-tuned ${formatNumber(tuned)}.`;
}

/** The chart of the learning rates in words. */
export function rateSummary(initial: number, { metaSteps, step }: RunRecord): string {
  const last = metaSteps.at(-1);
  if (last === undefined) return 'Learning rate by step; nothing yet.';
  return `Learning rate by step. After ${formatCount(step, 'step')} and ${formatCount(metaSteps.length, 'meta-step')}: fixed ${formatNumber(initial)}, self-tuned ${formatNumber(last.rate)}.`;
}
