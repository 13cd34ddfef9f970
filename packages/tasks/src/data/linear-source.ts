/** Fresh batches of y = A x with Gaussian x: a stream that never repeats, resumable. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, createRandom, requireInteger } from '@apo/core';
import type { BatchSource, SourceState, SupervisedBatch } from '@apo/core';
import type { Matrix } from './orthogonal.js';

export interface LinearSourceOptions {
  readonly batchSize: number;
  readonly seed: number;
}

/**
 * Batches with inputs x ~ N(0, I) `[batchSize, columns of A]`, rounded to float32, and targets A x `[batchSize, rows of A]`,
 * computed in float64 from the rounded inputs and rounded once.
 * @throws ApoError `INVALID_ARGUMENT` for a batch size below 1 or a seed that is not whole; `restore` throws
 *   `CHECKPOINT_MISMATCH` for the state of another source.
 */
export function linearSource(
  matrix: Matrix,
  { batchSize, seed }: LinearSourceOptions,
): BatchSource<SupervisedBatch> {
  requireInteger('batchSize', batchSize, 1);
  const random = createRandom(seed);
  const [rows, columns] = [matrix.length, matrix[0]!.length];
  const words = random.state().length;
  return {
    batchesPerEpoch: Infinity,
    next() {
      const inputs = Float32Array.from({ length: batchSize * columns }, () => random.normal());
      const targets = new Float32Array(batchSize * rows);
      for (let example = 0; example < batchSize; example++) {
        matrix.forEach((weights, row) => {
          let sum = 0;
          for (let j = 0; j < columns; j++) sum += weights[j]! * inputs[example * columns + j]!;
          targets[example * rows + row] = sum;
        });
      }
      return {
        inputs: tf.tensor2d(inputs, [batchSize, columns]),
        targets: tf.tensor2d(targets, [batchSize, rows]),
      };
    },
    release: ({ inputs, targets }) => tf.dispose([inputs, targets]),
    state: () => ({ batchSize, random: random.state() }),
    restore: (state) => random.restore(generatorState(state, batchSize, words)),
  };
}

/** The generator's part of a saved state, after it has been checked. */
function generatorState(state: SourceState, batchSize: number, words: number): readonly number[] {
  const { random } = state;
  if (
    state['batchSize'] !== batchSize ||
    !Array.isArray(random) ||
    random.length !== words ||
    !random.every((word): word is number => Number.isInteger(word))
  ) {
    throw new ApoError(
      'CHECKPOINT_MISMATCH',
      `The saved position is damaged, or belongs to batches of ${String(state['batchSize'])} (this source has ${batchSize}); use the same batch size and what state() returned.`,
    );
  }
  return random;
}
