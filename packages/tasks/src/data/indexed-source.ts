/** A resumable stream of batches made from the indices of examples, whatever the examples are. Which ones go into a batch is the sampler's business. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, BatchSampler } from '@apo/core';
import type { BatchSamplerState, BatchSource, SourceState, SupervisedBatch } from '@apo/core';

export interface ExampleSourceOptions {
  readonly batchSize: number;
  /** Order of the examples; the same for the same seed on every engine. */
  readonly seed: number;
  /** Default true. */
  readonly shuffle?: boolean;
  /** Leave out the last, smaller batch of an epoch (default true). */
  readonly dropRemainder?: boolean;
}

/**
 * An endless stream that visits each of `size` examples once per epoch in a seeded order, and continues where `state`
 * was taken. `makeBatch` gets the indices of one batch.
 * @throws ApoError `INVALID_ARGUMENT` for a batch size outside 1 … size; `restore` throws `CHECKPOINT_MISMATCH` for the
 *   state of another source.
 */
export function indexedSource(
  size: number,
  makeBatch: (indices: Int32Array) => SupervisedBatch,
  options: ExampleSourceOptions,
): BatchSource<SupervisedBatch> {
  const { batchSize } = options;
  const sampler = new BatchSampler({ ...options, size });
  return {
    batchesPerEpoch: sampler.batchesPerEpoch,
    next: () => makeBatch(sampler.next()),
    release: ({ inputs, targets }) => tf.dispose([inputs, targets]),
    state: () => ({ size, batchSize, ...sampler.state() }),
    restore: (state) => sampler.restore(samplerState(state, { size, batchSize, sampler })),
  };
}

/** The sampler's part of a saved state, after it has been checked. */
function samplerState(
  state: SourceState,
  { size, batchSize, sampler }: { size: number; batchSize: number; sampler: BatchSampler },
): BatchSamplerState {
  if (state['size'] !== size || state['batchSize'] !== batchSize) {
    throw new ApoError(
      'CHECKPOINT_MISMATCH',
      `The saved position belongs to ${String(state['size'])} examples in batches of ${String(state['batchSize'])}, but this source has ${size} in batches of ${batchSize}; use the same data set and batch size.`,
    );
  }
  const { epoch, position, random } = state;
  const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
  if (
    !isCount(epoch) ||
    !isCount(position) ||
    position > sampler.batchesPerEpoch ||
    !Array.isArray(random) ||
    random.length !== sampler.state().random.length ||
    !random.every((word): word is number => Number.isInteger(word))
  ) {
    throw new ApoError(
      'CHECKPOINT_MISMATCH',
      `The saved position is damaged (epoch ${String(epoch)}, position ${String(position)}, or the random state); give what state() returned.`,
    );
  }
  return { epoch, position, random };
}
