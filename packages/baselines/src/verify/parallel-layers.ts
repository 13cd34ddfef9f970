/** A network for which KFAC's assumptions hold exactly: two dense layers side by side, each on inputs of its own, read out through fixed matrices into outputs of its own. Nothing couples the layers, and a layer's backpropagated signal does not depend on its input. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective, createRandom } from '@apo/core';
import type { LossName, Objective, SupervisedBatch } from '@apo/core';
import { Matrix } from 'ml-matrix';
import { normal, variable } from './small-network.js';

export interface ParallelLayer {
  /** Columns of the inputs that it sees. */
  readonly inputs: readonly [from: number, width: number];
  /** W `[inputs + 1, units]`, the bias folded in as the last row. */
  readonly weights: tf.Variable;
  /** The fixed read-out `[units, outputs]`. */
  readonly readOut: Matrix;
}

export interface ParallelLayers {
  readonly objective: Objective<SupervisedBatch>;
  readonly layers: readonly ParallelLayer[];
  readonly batch: SupervisedBatch;
  dispose(): void;
}

export interface ParallelLayersOptions {
  readonly loss: Extract<LossName, 'squared-error' | 'sigmoid-cross-entropy'>;
  readonly examples: number;
  readonly seed: number;
}

/** Two layers 2 → 2 and 3 → 2 with read-outs of two outputs each. With Bernoulli outputs W = 0, so that every output's H_ρ is ¼. The caller disposes it. */
export function parallelLayers({ loss, examples, seed }: ParallelLayersOptions): ParallelLayers {
  const random = createRandom(seed);
  const scale = loss === 'squared-error' ? 0.5 : 0;
  const made = [
    { from: 0, width: 2 },
    { from: 2, width: 3 },
  ].map(({ from, width }) => ({
    inputs: [from, width] as const,
    weights: variable(normal(random, [width + 1, 2], scale)),
    // Near the identity, so that no E[DsDsᵀ] is nearly singular.
    readOut: tf.tidy((): tf.Tensor2D => tf.add(tf.eye(2), normal(random, [2, 2], 0.25))),
  }));
  const objective = createObjective({
    variables: made.map(({ weights }) => weights),
    loss,
    predict: ({ inputs }) =>
      tf.concat(
        made.map(({ inputs: [from, width], weights, readOut }) => {
          const own = withOnes(tf.slice(inputs as tf.Tensor2D, [0, from], [-1, width]));
          return tf.matMul(tf.matMul(own, weights as tf.Tensor2D), readOut);
        }),
        1,
      ),
  });
  const inputs = normal(random, [examples, 5], 1);
  const targets =
    loss === 'squared-error'
      ? normal(random, [examples, 4], 1)
      : tf.tensor(
          Float32Array.from({ length: examples * 4 }, () => random.integer(2)),
          [examples, 4],
        );
  return {
    objective,
    layers: made.map(({ inputs: own, weights, readOut }) => ({
      inputs: own,
      weights,
      readOut: Matrix.from1DArray(2, 2, Array.from(readOut.dataSync())),
    })),
    batch: { inputs, targets },
    dispose: () =>
      tf.dispose([inputs, targets, ...made.flatMap(({ weights, readOut }) => [weights, readOut])]),
  };
}

/** x with a column of ones behind it. */
function withOnes(x: tf.Tensor2D): tf.Tensor2D {
  return tf.concat([x, tf.ones([x.shape[0], 1])], 1);
}
