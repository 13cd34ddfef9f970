/** The benchmark as text tables (cli-table3). */
import Table from 'cli-table3';
import { formatNumber } from '../format.js';
import { benchModels } from './models.js';
import type { MetaOverhead, StepTime } from './benchmark.js';
import type { BenchEngineName } from './subject.js';

/** Borders only; colours would end up in files. */
const plain = { head: [], border: [] };

/** A row a network and optimizer, a column an engine: milliseconds, and in parentheses how many times `reference`'s. */
export function stepTable(
  times: readonly StepTime[],
  engines: readonly BenchEngineName[],
  reference: BenchEngineName,
): string {
  const table = new Table({
    head: ['step time', 'batch', ...engines],
    style: plain,
    colAligns: ['left', 'right', ...engines.map(() => 'right' as const)],
  });
  const rows = new Map(times.map(({ model, rule }) => [`${model} ${rule}`, { model, rule }]));
  for (const { model, rule } of rows.values()) {
    const own = times.filter((time) => time.model === model && time.rule === rule);
    const unit = own.find(({ engine }) => engine === reference)?.milliseconds;
    const cells = engines.map((engine) => {
      const milliseconds = own.find((time) => time.engine === engine)?.milliseconds;
      if (milliseconds === undefined) return 'cannot';
      const ratio =
        unit === undefined ? '' : ` (${formatNumber(Number((milliseconds / unit).toPrecision(3)))}×)`;
      return `${formatNumber(Number(milliseconds.toPrecision(3)))} ms${ratio}`;
    });
    table.push([`${benchModels[model].title}, ${rule}`, String(benchModels[model].batchSize), ...cells]);
  }
  const reasons = new Set(
    times.flatMap(({ engine, model, reason }) =>
      reason === undefined ? [] : [`${engine} cannot train ${model}: ${reason}`],
    ),
  );
  return [table.toString(), ...reasons].join('\n');
}

/** A row a network, optimizer and engine, a column a preset and interval: measured ratio / limit. */
export function metaTable(overheads: readonly MetaOverhead[]): string {
  const columns = [...new Map(overheads.map((o) => [columnOf(o), o])).keys()];
  const table = new Table({
    head: ['step with meta-steps / base step', ...columns],
    style: plain,
    colAligns: ['left', ...columns.map(() => 'right' as const)],
  });
  const rows = [...new Set(overheads.map(rowOf))];
  for (const row of rows) {
    const cells = columns.map((column) => {
      const found = overheads.find((o) => rowOf(o) === row && columnOf(o) === column);
      if (found?.ratio === undefined) return 'cannot';
      return `${found.ratio.toFixed(3)} (limit ${found.limit.toFixed(3)})`;
    });
    table.push([row, ...cells]);
  }
  return table.toString();
}

function rowOf({ model, rule, engine }: MetaOverhead): string {
  return `${benchModels[model].title}, ${rule}, ${engine}`;
}

function columnOf({ preset, interval }: MetaOverhead): string {
  return `${preset}, K = ${interval}`;
}
