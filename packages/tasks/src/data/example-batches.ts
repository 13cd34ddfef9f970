/** Batches of labelled examples as tensors: bytes become float32 in [0, 1], and only the rows of the batch are converted. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, BatchSampler, requireArgument } from '@apo/core';
import type { BatchSamplerState, BatchSource, SourceState, SupervisedBatch } from '@apo/core';
import { featureCount, requireExamples } from './examples.js';
import type { LabelledExamples } from './examples.js';

/** byte / 255, rounded to float32 once. */
const UNIT_INTERVAL = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * The examples at `indices` as one batch: inputs `[indices.length, features]`, float32 in [0, 1]; targets
 * `[indices.length]`, int32. The caller owns both tensors.
 * @throws ApoError `INVALID_ARGUMENT` for an index that no example has.
 */
export function exampleBatch(examples: LabelledExamples, indices: ArrayLike<number>): SupervisedBatch {
  const features = featureCount(examples);
  const inputs = new Float32Array(indices.length * features);
  const targets = new Int32Array(indices.length);
  let to = 0;
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row]!;
    const label = examples.labels[index];
    requireArgument(
      label !== undefined,
      () => `indices[${row}] is ${index}; expected 0 … ${examples.labels.length - 1}.`,
    );
    targets[row] = label;
    const end = (index + 1) * features;
    for (let from = index * features; from < end; from++) {
      inputs[to++] = UNIT_INTERVAL[examples.inputs[from]!]!;
    }
  }
  return {
    inputs: tf.tensor(inputs, [indices.length, features], 'float32'),
    targets: tf.tensor(targets, [indices.length], 'int32'),
  };
}

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
 * An endless stream of batches that visits every example once per epoch in a seeded order, and continues where
 * `state` was taken.
 * @throws ApoError `INVALID_ARGUMENT` for examples that do not fit together or a batch size outside 1 … count;
 *   `restore` throws `CHECKPOINT_MISMATCH` for the state of another source.
 */
export function exampleSource(
  examples: LabelledExamples,
  options: ExampleSourceOptions,
): BatchSource<SupervisedBatch> {
  requireExamples('the data set', examples);
  const size = examples.labels.length;
  const { batchSize } = options;
  const sampler = new BatchSampler({ ...options, size });
  return {
    batchesPerEpoch: sampler.batchesPerEpoch,
    next: () => exampleBatch(examples, sampler.next()),
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
