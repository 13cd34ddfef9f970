/** Batches of labelled examples as tensors: bytes become float32 in [0, 1], and only the rows of the batch are converted. */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from '@apo/core';
import type { BatchSource, SupervisedBatch } from '@apo/core';
import { featureCount, requireExamples } from './examples.js';
import type { LabelledExamples } from './examples.js';
import { indexedSource } from './indexed-source.js';
import type { ExampleSourceOptions } from './indexed-source.js';

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
  return indexedSource(examples.labels.length, (indices) => exampleBatch(examples, indices), options);
}
