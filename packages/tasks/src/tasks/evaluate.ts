/** Mean loss and metrics over many examples: chunk by chunk, summed on the engine, read back once. */
import * as tf from '@tensorflow/tfjs-core';
import { requireInteger } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { exampleBatch } from '../data/example-batches.js';
import type { LabelledExamples } from '../data/examples.js';
import { pairedBatch, rowCount } from '../data/rows.js';
import type { PairedRows } from '../data/rows.js';
import type { Evaluation } from './task.js';

const CHUNK = 1000;

/**
 * Evaluates `objective` (one output, logits `[batch, classes]`) on the first `limit` examples, with `training` false.
 * @throws ApoError `INVALID_ARGUMENT` for a limit below 1.
 */
export async function evaluateClassifier(
  objective: Objective<SupervisedBatch>,
  examples: LabelledExamples,
  limit = Infinity,
): Promise<Evaluation> {
  const count = countWithin(limit, examples.labels.length);
  const [loss, hits] = await sumOverChunks(count, (indices) => {
    const batch = exampleBatch(examples, indices);
    const logits = objective.predict(batch, false) as tf.Tensor;
    const correct = tf.cast(tf.equal(tf.argMax(logits, -1), batch.targets), 'float32');
    return [tf.mul(objective.loss(logits, batch), indices.length), tf.sum(correct)];
  });
  return { loss: loss / count, accuracy: hits / count, examples: count };
}

/**
 * Evaluates `objective` (one output, compared with the targets) on the first `limit` rows, with `training` false. The
 * metric `meanSquaredError` is over rows and columns, of `prediction(outputs)` (the outputs themselves by default).
 * @throws ApoError `INVALID_ARGUMENT` for a limit below 1.
 */
export async function evaluatePairs(
  objective: Objective<SupervisedBatch>,
  examples: PairedRows,
  limit = Infinity,
  prediction: (outputs: tf.Tensor) => tf.Tensor = (outputs) => outputs,
): Promise<Evaluation> {
  const count = countWithin(limit, rowCount(examples.inputs));
  const [loss, squares] = await sumOverChunks(count, (indices) => {
    const batch = pairedBatch(examples, indices);
    const outputs = objective.predict(batch, false) as tf.Tensor;
    const errors = tf.squaredDifference(prediction(outputs), batch.targets);
    return [tf.mul(objective.loss(outputs, batch), indices.length), tf.sum(errors)];
  });
  const meanSquaredError = squares / count / examples.targets.width;
  return { loss: loss / count, metrics: { meanSquaredError }, examples: count };
}

function countWithin(limit: number, available: number): number {
  if (limit !== Infinity) requireInteger('limit', limit, 1);
  return Math.min(limit, available);
}

/** Σ over chunks of 0 … count − 1 of the two scalars that `measure` gives for each; it runs inside `tf.tidy`. */
async function sumOverChunks(
  count: number,
  measure: (indices: Int32Array) => [tf.Scalar, tf.Scalar],
): Promise<[number, number]> {
  const sums = tf.tidy((): [tf.Scalar, tf.Scalar] => {
    let soFar: [tf.Scalar, tf.Scalar] = [tf.scalar(0), tf.scalar(0)];
    for (let start = 0; start < count; start += CHUNK) {
      const previous = soFar;
      soFar = tf.tidy((): [tf.Scalar, tf.Scalar] => {
        const length = Math.min(CHUNK, count - start);
        const [first, second] = measure(Int32Array.from({ length }, (_, i) => start + i));
        return [tf.add(previous[0], first), tf.add(previous[1], second)];
      });
      tf.dispose(previous);
    }
    return soFar;
  });
  try {
    const [[first], [second]] = await Promise.all([sums[0].data(), sums[1].data()]);
    return [first!, second!];
  } finally {
    tf.dispose(sums);
  }
}
