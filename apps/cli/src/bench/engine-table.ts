/** The results of `apo bench engine` as text tables (cli-table3): a column an engine. */
import Table from 'cli-table3';
import { formatNumber } from '../format.js';
import { benchModels } from './models.js';
import type { EngineStepTime, ProductRate, UpdateTime } from './engine-benchmark.js';

/** What a row of any of the tables has in common. */
interface Cell {
  readonly contestant: string;
  readonly milliseconds?: number;
  readonly reason?: string;
}

/** Milliseconds, and in parentheses how many times those of `reference`. */
export function engineStepTable(
  times: readonly EngineStepTime[],
  labels: readonly string[],
  reference: string,
): string {
  const rows = groupBy(
    times,
    ({ model }) => `${benchModels[model].title}, batch ${benchModels[model].batchSize}`,
  );
  return withReasons(timeTable('step of momentum', rows, labels, reference), times, ({ model }) => model);
}

export function updateTable(
  times: readonly UpdateTime[],
  labels: readonly string[],
  reference: string,
): string {
  const rows = groupBy(times, ({ rule, parameters }) => `${rule}, ${parameters} parameters`);
  return withReasons(timeTable('update', rows, labels, reference), times, ({ rule }) => rule);
}

/** GFLOP/s; with `peakTflops`, the float32 peak of the device in 10¹² operations a second, also which part of it. */
export function productTable(
  rates: readonly ProductRate[],
  labels: readonly string[],
  peakTflops?: number,
): string {
  const table = new Table({
    head: ['GFLOP/s', 'A·B', ...labels],
    style: { head: [], border: [] },
    colAligns: ['right', 'left', ...labels.map(() => 'right' as const)],
  });
  const rows = groupBy(rates, (rate) => `${rate.rows}×${rate.inner}×${rate.columns} ${formOf(rate)}`);
  for (const cells of rows.values()) {
    const { rows: height, inner, columns } = cells[0]!;
    const values = labels.map((label) => {
      const rate = cells.find(({ contestant }) => contestant === label)?.gigaflops;
      if (rate === undefined) return 'cannot';
      const part = peakTflops === undefined ? '' : ` (${((100 * rate) / (1000 * peakTflops)).toFixed(1)} %)`;
      return `${formatNumber(Number(rate.toPrecision(3)))}${part}`;
    });
    table.push([`${height}×${inner}×${columns}`, formOf(cells[0]!), ...values]);
  }
  return withReasons(table.toString(), rates, formOf);
}

function formOf({ transposeA, transposeB }: ProductRate): string {
  return `${transposeA ? 'Aᵀ' : 'A'}·${transposeB ? 'Bᵀ' : 'B'}`;
}

function timeTable(
  title: string,
  rows: ReadonlyMap<string, readonly Cell[]>,
  labels: readonly string[],
  reference: string,
): string {
  const table = new Table({
    head: [title, ...labels],
    style: { head: [], border: [] },
    colAligns: ['left', ...labels.map(() => 'right' as const)],
  });
  for (const [name, cells] of rows) {
    const timeOf = (label: string): number | undefined =>
      cells.find(({ contestant }) => contestant === label)?.milliseconds;
    const unit = timeOf(reference);
    const values = labels.map((label) => {
      const time = timeOf(label);
      if (time === undefined) return 'cannot';
      const ratio = unit === undefined ? '' : ` (${formatNumber(Number((time / unit).toPrecision(3)))}×)`;
      return `${formatNumber(Number(time.toPrecision(3)))} ms${ratio}`;
    });
    table.push([name, ...values]);
  }
  return table.toString();
}

/** The table, and below it why a contestant could not. */
function withReasons<T extends Cell>(table: string, cells: readonly T[], what: (cell: T) => string): string {
  const lines = cells.flatMap((cell) =>
    cell.reason === undefined ? [] : [`${cell.contestant} cannot, ${what(cell)}: ${cell.reason}`],
  );
  return [table, ...new Set(lines)].join('\n');
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}
