/** One line about the state of a run. */
import { formatDuration, formatNumber, formatPercent } from '../format.js';
import type { ProgressState } from './state.js';

/** "loss 0.3012  acc 91.20 %  lr 2.10e-2  14.2 steps/s  32 s left". */
export function progressText(state: ProgressState): string {
  return [
    `loss ${formatNumber(state.loss)}`,
    ...(state.testAccuracy === undefined ? [] : [`accuracy ${formatPercent(state.testAccuracy)}`]),
    ...(state.learningRate === undefined ? [] : [`lr ${formatNumber(state.learningRate)}`]),
    `${formatNumber(Number(state.stepsPerSecond.toPrecision(3)))} steps/s`,
    `${formatDuration(state.secondsLeft)} left`,
  ].join('  ');
}
