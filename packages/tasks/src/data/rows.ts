/** Tables of numbers in memory, a row an example, and pairs of them for regression and reconstruction; a batch is the rows it names. */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument, requireInteger, requireNumber } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';

export interface Rows {
  /** `[count, width]`, row-major. */
  readonly values: Float32Array | Uint16Array | Uint8Array;
  readonly width: number;
  /** The number that stands for 1: 255 makes bytes pixels in [0, 1]. Default 1. */
  readonly unit?: number;
}

/** What goes in and what should come out, row by row. The same object twice means reconstruction. */
export interface PairedRows {
  readonly inputs: Rows;
  readonly targets: Rows;
}

export interface PairedSplits {
  readonly train: PairedRows;
  readonly test: PairedRows;
}

/** Number of rows. */
export function rowCount({ values, width }: Rows): number {
  return values.length / width;
}

/** @throws ApoError `INVALID_ARGUMENT` unless both tables have whole rows, equally many and at least one. */
export function requirePairedRows(what: string, { inputs, targets }: PairedRows): void {
  for (const [part, rows] of [
    ['inputs', inputs],
    ['targets', targets],
  ] as const) {
    requireInteger(`width of the ${part} of ${what}`, rows.width, 1);
    requireNumber(`unit of the ${part} of ${what}`, rows.unit ?? 1, { min: 0, exclusive: true });
  }
  const [given, wanted] = [rowCount(inputs), rowCount(targets)];
  requireArgument(
    given > 0 && given === wanted && Number.isInteger(given),
    () =>
      `${what} has ${inputs.values.length} input numbers in rows of ${inputs.width} and ${targets.values.length} target numbers in rows of ${targets.width}; expected equally many whole rows, at least one.`,
  );
}

/**
 * The rows at `indices`: inputs `[indices.length, width]` and targets likewise, float32, each value divided by its unit
 * and rounded once. Where inputs and targets are the same table they are the same tensor. The caller owns the tensors.
 * @throws ApoError `INVALID_ARGUMENT` for an index that no row has.
 */
export function pairedBatch({ inputs, targets }: PairedRows, indices: ArrayLike<number>): SupervisedBatch {
  const count = rowCount(inputs);
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row]!;
    requireArgument(
      Number.isInteger(index) && index >= 0 && index < count,
      () => `indices[${row}] is ${index}; expected 0 … ${count - 1}.`,
    );
  }
  const given = gather(inputs, indices);
  return { inputs: given, targets: targets === inputs ? given : gather(targets, indices) };
}

function gather({ values, width, unit = 1 }: Rows, indices: ArrayLike<number>): tf.Tensor2D {
  const gathered = new Float32Array(indices.length * width);
  let to = 0;
  for (let row = 0; row < indices.length; row++) {
    const end = (indices[row]! + 1) * width;
    for (let from = end - width; from < end; from++) gathered[to++] = values[from]! / unit;
  }
  return tf.tensor2d(gathered, [indices.length, width], 'float32');
}
