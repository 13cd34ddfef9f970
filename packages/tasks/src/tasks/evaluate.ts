/** Mean loss and accuracy over many examples: chunk by chunk, summed on the engine, read back once. */
import * as tf from '@tensorflow/tfjs-core';
import { requireInteger } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { exampleBatch } from '../data/example-batches.js';
import type { LabelledExamples } from '../data/examples.js';
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
  if (limit !== Infinity) requireInteger('limit', limit, 1);
  const count = Math.min(limit, examples.labels.length);
  const [lossSum, correct] = tf.tidy((): [tf.Scalar, tf.Scalar] => {
    let sums: [tf.Scalar, tf.Scalar] = [tf.scalar(0), tf.scalar(0)];
    for (let start = 0; start < count; start += CHUNK) {
      const size = Math.min(CHUNK, count - start);
      const previous = sums;
      sums = tf.tidy((): [tf.Scalar, tf.Scalar] => {
        const indices = Int32Array.from({ length: size }, (_, i) => start + i);
        const batch = exampleBatch(examples, indices);
        const logits = objective.predict(batch, false) as tf.Tensor;
        const hits = tf.sum(tf.cast(tf.equal(tf.argMax(logits, -1), batch.targets), 'float32'));
        const loss = tf.mul(objective.loss(logits, batch), size);
        return [tf.add(previous[0], loss), tf.add(previous[1], hits)];
      });
      tf.dispose(previous);
    }
    return sums;
  });
  try {
    const [[loss], [hits]] = await Promise.all([lossSum.data(), correct.data()]);
    return { loss: loss! / count, accuracy: hits! / count, examples: count };
  } finally {
    tf.dispose([lossSum, correct]);
  }
}
