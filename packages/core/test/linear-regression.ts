/** A small least-squares problem with seeded data, a resumable source that counts what is not released, and readings to the bit. */
import * as tf from '@tensorflow/tfjs-core';
import { BatchSampler } from '../src/batch-sampler.js';
import type { BatchSamplerState } from '../src/batch-sampler.js';
import type { BatchSource } from '../src/batch-source.js';
import { createObjective } from '../src/objective.js';
import type { Objective, SupervisedBatch } from '../src/objective.js';
import { createRandom } from '../src/random.js';

const FEATURES = 3;

/** y = X w + b with three features, started at zero; `dispose` it before the next one of the same prefix is made. */
export interface Regression {
  readonly objective: Objective<SupervisedBatch>;
  readonly weights: tf.Variable;
  readonly bias: tf.Variable;
  /** A variable that no gradient moves. */
  readonly counter: tf.Variable;
  dispose(): void;
}

export function regression({ features = FEATURES, prefix = '' } = {}): Regression {
  const make = (shape: number[], label: string): tf.Variable =>
    tf.tidy(() => tf.variable(tf.zeros(shape), true, prefix + label));
  const weights = make([features, 1], 'weights');
  const bias = make([1], 'bias');
  const counter = make([], 'counter');
  const objective = createObjective({
    variables: [weights, bias],
    stateVariables: [counter],
    predict: ({ inputs }: SupervisedBatch) =>
      tf.add(tf.matMul(inputs as tf.Tensor2D, weights as tf.Tensor2D), bias),
    loss: 'squared-error',
  });
  return { objective, weights, bias, counter, dispose: () => tf.dispose([weights, bias, counter]) };
}

export interface CountingSource extends BatchSource<SupervisedBatch> {
  /** Batches that were given and not yet released. */
  readonly outstanding: number;
  /** The example indices of every batch, in the order in which they were drawn. */
  readonly drawn: number[][];
}

/** Targets are X [1, −2, 0.5]ᵀ + 0.25 with a little noise. */
export function regressionSource({ size = 20, batchSize = 4, seed = 1 } = {}): CountingSource {
  const random = createRandom(100);
  const inputs = Array.from({ length: size }, () => Array.from({ length: FEATURES }, () => random.normal()));
  const targets = inputs.map(([a, b, c]) => [a! - 2 * b! + 0.5 * c! + 0.25 + 0.01 * random.normal()]);
  const sampler = new BatchSampler({ size, batchSize, seed });
  const given = new Set<SupervisedBatch>();
  const drawn: number[][] = [];
  return {
    batchesPerEpoch: sampler.batchesPerEpoch,
    drawn,
    get outstanding() {
      return given.size;
    },
    next() {
      const indices = [...sampler.next()];
      drawn.push(indices);
      const batch = {
        inputs: tf.tensor2d(indices.map((i) => inputs[i]!)),
        targets: tf.tensor2d(indices.map((i) => targets[i]!)),
      };
      given.add(batch);
      return batch;
    },
    release(batch) {
      if (!given.delete(batch)) throw new Error('A batch was released that is not outstanding.');
      tf.dispose([batch.inputs, batch.targets]);
    },
    state: () => ({ ...sampler.state() }),
    restore: (state) => sampler.restore(state as unknown as BatchSamplerState),
  };
}

/** The bits of float32 tensors, as unsigned integers. */
export function bits(...tensors: tf.Tensor[]): number[] {
  return tensors.flatMap((tensor) => {
    const data = Float32Array.from(tensor.dataSync());
    return [...new Uint32Array(data.buffer)];
  });
}
