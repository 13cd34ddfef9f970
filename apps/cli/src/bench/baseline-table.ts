/** Step times of the baselines as a text table (cli-table3). */
import Table from 'cli-table3';
import { formatNumber } from '../format.js';
import type { BaselineTime } from './baseline-benchmark.js';
import { boundOf } from './baseline-steps.js';
import { benchModels } from './models.js';

/** Borders only; colours would end up in files. */
const plain = { head: [], border: [] };

/** A row a network, method and engine. */
export function baselineTable(times: readonly BaselineTime[]): string {
  const table = new Table({
    head: ['step time', 'engine', 'a step', 'times momentum', 'share of inverses', 'inverted every'],
    style: plain,
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
  });
  for (const { model, method, engine, interval, milliseconds, ratio, inverseShare } of times) {
    const { title, batchSize } = benchModels[model];
    const bound = boundOf(method);
    table.push([
      `${title}, batch ${batchSize}, ${method}${bound === undefined ? '' : ` (${bound})`}`,
      engine,
      milliseconds === undefined ? 'cannot' : `${threeDigits(milliseconds)} ms`,
      ratio === undefined ? '' : `${threeDigits(ratio)}×`,
      inverseShare === undefined ? '–' : `${Math.round(100 * inverseShare)} %`,
      interval === 1 ? '–' : `${interval} steps`,
    ]);
  }
  const reasons = times.flatMap(({ engine, model, method, reason }) =>
    reason === undefined ? [] : [`${engine} cannot train ${model} with ${method}: ${reason}`],
  );
  return [table.toString(), ...reasons].join('\n');
}

function threeDigits(value: number): string {
  return formatNumber(Number(value.toPrecision(3)));
}
