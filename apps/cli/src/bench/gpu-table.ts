/** The results of `apo bench gpu` as text tables (cli-table3): a column an engine. */
import type { KernelComparison } from '@apo/backend-webgpu';
import Table from 'cli-table3';
import { formatNumber } from '../format.js';
import type { GpuStepTime, UpdateCounts } from './gpu-benchmark.js';
import { modelTitle } from './models.js';
import type { BenchScale } from './models.js';

interface Cell {
  readonly contestant: string;
  readonly reason?: string;
}

/** Milliseconds of a step; in parentheses how many times those of `reference`. */
export function gpuStepTable(
  steps: readonly GpuStepTime[],
  labels: readonly string[],
  reference: string,
  scale: BenchScale,
): string {
  const table = tableOf(['step time', ...labels]);
  for (const cells of rowsOf(steps)) {
    const unit = cells.find(({ contestant }) => contestant === reference)?.milliseconds;
    const values = labels.map((label) => {
      const time = cells.find(({ contestant }) => contestant === label)?.milliseconds;
      if (time === undefined) return 'cannot';
      const ratio = unit === undefined || label === reference ? '' : ` (${threeDigits(time / unit)}×)`;
      return `${threeDigits(time)} ms${ratio}`;
    });
    table.push([nameOf(cells[0]!, scale), ...values]);
  }
  return [table.toString(), ...reasonsOf(steps)].join('\n');
}

/** A step with a meta-step in every tenth, as a multiple of one without. */
export function gpuMetaTable(
  steps: readonly GpuStepTime[],
  labels: readonly string[],
  scale: BenchScale,
): string {
  const table = tableOf(['with meta-steps / without', ...labels]);
  const withRatios = steps.filter(({ metaRatio }) => metaRatio !== undefined);
  for (const cells of rowsOf(withRatios)) {
    const values = labels.map((label) => {
      const ratio = cells.find(({ contestant }) => contestant === label)?.metaRatio;
      return ratio === undefined ? '–' : `${threeDigits(ratio)}×`;
    });
    table.push([nameOf(cells[0]!, scale), ...values]);
  }
  return table.toString();
}

/** What a step asks of the device, a row a network, optimizer and engine. */
export function gpuCountTable(steps: readonly GpuStepTime[], scale: BenchScale): string {
  const table = tableOf([
    'a step',
    'engine',
    'dispatches',
    'MB bound',
    'MB copied',
    'read-backs',
    'MB held after',
  ]);
  for (const step of steps) {
    if (step.counts === undefined) continue;
    const { dispatches, boundBytes, copiedBytes, readBacks, heldBytes } = step.counts;
    table.push([
      nameOf(step, scale),
      step.contestant,
      threeDigits(dispatches),
      megabytes(boundBytes),
      megabytes(copiedBytes),
      threeDigits(readBacks),
      megabytes(heldBytes),
    ]);
  }
  return table.toString();
}

/** Dispatches of an update alone, and how many times fewer than those of `reference`. */
export function updateCountTable(
  updates: readonly UpdateCounts[],
  labels: readonly string[],
  reference: string,
  scale: BenchScale,
): string {
  const table = tableOf(['dispatches of an update', ...labels]);
  for (const rule of new Set(updates.map((update) => update.rule))) {
    const cells = updates.filter((update) => update.rule === rule);
    const unit = cells.find(({ contestant }) => contestant === reference)?.dispatches;
    const values = labels.map((label) => {
      const dispatches = cells.find(({ contestant }) => contestant === label)?.dispatches;
      if (dispatches === undefined) return '–';
      const ratio =
        unit === undefined || label === reference ? '' : ` (${threeDigits(unit / dispatches)}× fewer)`;
      return `${threeDigits(dispatches)}${ratio}`;
    });
    table.push([`${modelTitle(cells[0]!.model, scale)}, ${rule}`, ...values]);
  }
  return [table.toString(), ...reasonsOf(updates)].join('\n');
}

/** Milliseconds on the device itself, by its timestamps, of published kernels or plain operators and of ours. */
export function kernelTable(kernels: readonly KernelComparison[]): string {
  const table = tableOf(['on the device', 'shape', 'published', 'ours', 'times faster', 'kept']);
  for (const { kernel, shape, stock, own, ratio, kept } of kernels) {
    const [before, after] = [stock, own].map((time) => `${threeDigits(time)} ms`);
    table.push([kernel, shape, before!, after!, `${threeDigits(ratio)}×`, kept ? 'yes' : 'no']);
  }
  return table.toString();
}

function tableOf(head: string[]) {
  // Borders only; colours would end up in files.
  return new Table({
    head,
    style: { head: [], border: [] },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  });
}

/** The results of one network and optimizer together. */
function rowsOf(steps: readonly GpuStepTime[]): GpuStepTime[][] {
  const rows = new Map<string, GpuStepTime[]>();
  for (const step of steps) {
    const name = `${step.model} ${step.optimizer}`;
    rows.set(name, [...(rows.get(name) ?? []), step]);
  }
  return [...rows.values()];
}

function nameOf({ model, optimizer }: GpuStepTime, scale: BenchScale): string {
  return `${modelTitle(model, scale)}, ${optimizer}`;
}

function reasonsOf(cells: readonly (Cell & { readonly model: string })[]): string[] {
  const lines = cells.flatMap((cell) => {
    if (cell.reason === undefined) return [];
    const what = 'optimizer' in cell ? `${cell.model}, ${String(cell.optimizer)}` : cell.model;
    return [`${cell.contestant} cannot, ${what}: ${cell.reason}`];
  });
  return [...new Set(lines)];
}

function threeDigits(value: number): string {
  return formatNumber(Number(value.toPrecision(3)));
}

function megabytes(bytes: number): string {
  return threeDigits(bytes / 1e6);
}
