/** What the page says about a run, from what it knows of it. */
import { formatNumber } from '../../ui/format.js';
import { RUNS } from './contract.js';
import type { ByRun, Matrix } from './contract.js';
import { factsOf } from './matrix-facts.js';
import type { FactorName } from './matrix-facts.js';
import { lossNow } from './record.js';
import type { RunRecord } from './record.js';
import type { Shown } from './settings.js';

export const RUN_LABELS: ByRun<string> = { momentum: 'Momentum', kfac: 'KFAC', apo: 'APO-Precond' };
export const RUN_COLORS: ByRun<`--${string}`> = {
  momentum: '--data-fixed',
  kfac: '--data-3',
  apo: '--data-tuned',
};

/** Where the losses stand. */
export function lossSentence({ losses, broken }: RunRecord): string {
  const parts = RUNS.map((name) => {
    const stopped = broken[name];
    if (stopped !== null) return `${RUN_LABELS[name]} broke down at step ${stopped.step}`;
    const loss = lossNow(losses[name]);
    return `${RUN_LABELS[name]} ${loss === undefined ? 'has not begun' : formatNumber(loss)}`;
  });
  return `Loss in nats an image: ${parts.join(', ')}.`;
}

/** A matrix for who does not see it. */
export function matrixInWords(name: FactorName, matrix: Matrix, shown: Shown): string {
  const { norm, largest } = factsOf(matrix);
  const what = shown === 'change' ? `Change of ${name} since the start` : name;
  const size = `${matrix.rows} by ${matrix.columns}`;
  if (largest.length === 0) return `${what}, ${size}: all zeros.`;
  const entries = largest
    .map(({ row, column, value }) => `${formatNumber(value, 2)} in row ${row}, column ${column}`)
    .join('; ');
  return `${what}, ${size}: norm ${formatNumber(norm)}; largest entries ${entries}.`;
}
