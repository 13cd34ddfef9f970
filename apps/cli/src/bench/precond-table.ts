/** The results of `apo bench precond` as text tables (cli-table3). */
import Table from 'cli-table3';
import { formatNumber } from '../format.js';
import { benchModels } from './models.js';
import type { FormMetaOverhead, FormStepTime } from './precond-benchmark.js';
import { formTitles } from './precond-forms.js';
import type { AddedMemory } from './precond-memory.js';

/** Borders only; colours would end up in files. */
const plain = { head: [], border: [] };

/** A row a form, a network and an engine: milliseconds, times momentum, and the same ratio of operations. */
export function formStepTable(times: readonly FormStepTime[]): string {
  const table = new Table({
    head: ['base step', 'engine', 'rule', 'time', '× momentum', 'operations ×'],
    style: plain,
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
  });
  for (const { model, engine, rule, milliseconds, ratio, flopRatio } of times) {
    const name = rule === 'momentum' ? rule : formTitles[rule];
    const time = milliseconds === undefined ? 'cannot' : `${formatNumber(rounded(milliseconds))} ms`;
    table.push([titleOf(model), engine, name, time, ratio?.toFixed(2) ?? '–', flopRatio.toFixed(2)]);
  }
  return withReasons(table.toString(), times, ({ model, rule }) => `${model}, ${rule}`);
}

/** A row a form, a network and an engine, a column a preset: measured ratio (limit). */
export function formMetaTable(overheads: readonly FormMetaOverhead[]): string {
  const columnOf = ({ preset, interval }: FormMetaOverhead): string => `${preset}, K = ${interval}`;
  const columns = [...new Set(overheads.map(columnOf))];
  const table = new Table({
    head: ['step with meta-steps / base step', 'engine', 'form', ...columns],
    style: plain,
    colAligns: ['left', 'left', 'left', ...columns.map(() => 'right' as const)],
  });
  const rowOf = ({ model, engine, form }: FormMetaOverhead): string => `${model} ${engine} ${form}`;
  for (const row of new Map(overheads.map((o) => [rowOf(o), o])).values()) {
    const cells = columns.map((column) => {
      const found = overheads.find((o) => rowOf(o) === rowOf(row) && columnOf(o) === column);
      if (found?.ratio === undefined) return 'cannot';
      return `${found.ratio.toFixed(3)} (limit ${found.limit.toFixed(3)})`;
    });
    table.push([titleOf(row.model), row.engine, formTitles[row.form], ...cells]);
  }
  return withReasons(table.toString(), overheads, ({ model, form }) => `${model}, ${form}`);
}

/** A row a network and form. */
export function memoryTable(memory: readonly AddedMemory[]): string {
  const table = new Table({
    head: ['what P adds', 'parameters', 'form', 'numbers in P', 'MiB', 'MiB of Adam for it'],
    style: plain,
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right'],
  });
  for (const { model, parameters, form, added, mebibytes, adamMebibytes } of memory) {
    const cells = [added.toLocaleString('en-US'), mebibytes.toFixed(1), adamMebibytes.toFixed(1)];
    table.push([benchModels[model].title, parameters.toLocaleString('en-US'), formTitles[form], ...cells]);
  }
  return table.toString();
}

function titleOf(model: keyof typeof benchModels): string {
  return `${benchModels[model].title}, batch ${benchModels[model].batchSize}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** The table, and below it why an engine could not. */
function withReasons<T extends { readonly engine: string; readonly reason?: string }>(
  table: string,
  cells: readonly T[],
  what: (cell: T) => string,
): string {
  const lines = cells.flatMap((cell) =>
    cell.reason === undefined ? [] : [`${cell.engine} cannot, ${what(cell)}: ${cell.reason}`],
  );
  return [table, ...new Set(lines)].join('\n');
}
