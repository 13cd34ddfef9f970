/** The partition for people: which block each variable has, how many numbers it adds and what applying it costs. */
import { partitionBlocks } from './partition.js';
import type { PartitionOptions } from './partition.js';
import type { NamedShape } from './matricize.js';

export interface PartitionRow {
  /** Its name in φ. */
  readonly name: string;
  /** The names of its variables: a kernel and the bias folded into it, or one. */
  readonly variables: readonly string[];
  /** m, n of its matrix. */
  readonly shape: readonly [number, number];
  /** `rank 16`, `rank 16 × full` (rows × columns), `blocks of 61`, `diagonal`, … */
  readonly block: string;
  /** Numbers that it adds to φ; 4 bytes each, and the same twice more for Adam. */
  readonly parameters: number;
  /** Floating-point operations of applying it, each step. */
  readonly flops: number;
}

/** What `precondition(options)` will do with these variables. @throws ApoError as `precondition` and `Apo`. */
export function partition(variables: readonly NamedShape[], options: PartitionOptions = {}): PartitionRow[] {
  return partitionBlocks(variables, options).map(({ name, layout, block }) => ({
    name,
    variables: layout.variables.map((variable) => variable.name),
    shape: layout.shape,
    block: block.label,
    parameters: block.parameters,
    flops: block.flops,
  }));
}

const HEADER = ['variable', 'shape', 'block', 'parameters', 'FLOPs a step'];

/** The rows as a table in plain text, with the totals below. */
export function formatPartition(rows: readonly PartitionRow[]): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const sum = (of: (row: PartitionRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const lines = [
    HEADER,
    ...rows.map((row) => [
      row.variables.join(' + '),
      `[${row.shape.join(', ')}]`,
      row.block,
      number(row.parameters),
      number(row.flops),
    ]),
    ['all', '', '', number(sum((row) => row.parameters)), number(sum((row) => row.flops))],
  ];
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
