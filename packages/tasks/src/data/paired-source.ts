/** Batches of paired rows in a seeded order: what regression and reconstruction train on. */
import type { BatchSource, SupervisedBatch } from '@apo/core';
import { indexedSource } from './indexed-source.js';
import type { ExampleSourceOptions } from './indexed-source.js';
import { pairedBatch, requirePairedRows, rowCount } from './rows.js';
import type { PairedRows } from './rows.js';

/**
 * An endless stream of `pairedBatch`es that visits every row once per epoch, and continues where `state` was taken.
 * @throws ApoError `INVALID_ARGUMENT` for rows that do not fit together or a batch size outside 1 … count; `restore`
 *   throws `CHECKPOINT_MISMATCH` for the state of another source.
 */
export function pairedSource(
  examples: PairedRows,
  options: ExampleSourceOptions,
): BatchSource<SupervisedBatch> {
  requirePairedRows('the data set', examples);
  return indexedSource(rowCount(examples.inputs), (indices) => pairedBatch(examples, indices), options);
}
