/** A finished run in a few lines of text. */
import { formatDuration, formatNumber, formatPercent } from '../format.js';
import type { RunFiles } from './directory.js';
import type { Summary } from './summary.js';

export function describeSummary(summary: Summary, { directory, report }: RunFiles): string {
  const accuracy =
    summary.testAccuracy === null ? '' : `, test accuracy ${formatPercent(summary.testAccuracy)}`;
  const meta =
    summary.metaSteps === 0 ? '' : `, ${summary.metaSteps} meta-steps (${summary.rejected} rejected)`;
  // A rule without a rate has none to show; one that is not finite belongs to a failed run.
  const rate =
    summary.learningRate === null && !summary.failed
      ? ''
      : `, learning rate ${formatNumber(summary.learningRate)}`;
  return [
    `${summary.task}, ${summary.optimizer}, seed ${summary.seed}, ${summary.engine} engine: ${summary.steps} steps in ${formatDuration(summary.trainingSeconds)} (${formatNumber(Number(summary.stepsPerSecond.toPrecision(3)))} steps/s)`,
    `training loss ${formatNumber(summary.trainLoss)}${accuracy}${rate}${meta}`,
    `files in ${directory}, report ${report}`,
  ].join('\n');
}
