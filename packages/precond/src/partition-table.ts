/** The partition for people: which block each variable has, how many numbers it adds and what applying it costs. */
import { requireInteger } from '@apo/core';
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
  /** `rank 16`, `rank 16 × full` (rows × columns), `blocks of 61`, `diagonal`, …; `full, rotated` where a step rotates the batch. */
  readonly block: string;
  /** Numbers that it adds to φ; 4 bytes each, and the same twice more for Adam. */
  readonly parameters: number;
  /** Floating-point operations of applying it, each step. */
  readonly flops: number;
  /** Floating-point operations of its vector–Jacobian product, each meta-step. */
  readonly gradientFlops: number;
}

/**
 * What `precondition(options)` will do with these variables.
 * @param batchRows How many rows a dense layer sees in a step: the examples, times the positions where it sees sequences. Every
 * kernel is taken for that of such a layer, used once and not regularised. Default: without the batch rotation.
 * @throws ApoError as `precondition` and `Apo`, and `INVALID_ARGUMENT` unless `batchRows` is a whole number ≥ 1.
 */
export function partition(
  variables: readonly NamedShape[],
  options: PartitionOptions = {},
  batchRows?: number,
): PartitionRow[] {
  if (batchRows !== undefined) requireInteger('batchRows', batchRows, 1);
  return partitionBlocks(variables, options).map(({ name, layout, block }) => {
    const { flops, gradientFlops } =
      (batchRows === undefined ? undefined : block.flopsAt?.(batchRows)) ?? block;
    return {
      name,
      variables: layout.variables.map((variable) => variable.name),
      shape: layout.shape,
      block: flops < block.flops ? `${block.label}, rotated` : block.label,
      parameters: block.parameters,
      flops,
      gradientFlops,
    };
  });
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
