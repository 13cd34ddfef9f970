/** Random batches for the networks of tests, and the weights of these in one list. */
import * as tf from '@tensorflow/tfjs-core';
import type { SupervisedBatch } from '@apo/core';
import { normal } from './networks.js';
import type { Network } from './networks.js';

/** Real targets. */
export function batchOf(examples: number, inputs: number, outputs: number, seed = 50): SupervisedBatch {
  return { inputs: normal([examples, inputs], seed), targets: normal([examples, outputs], seed + 1) };
}

/** Class indices. */
export function classes(examples: number, inputs: number, count: number, seed = 50): SupervisedBatch {
  return {
    inputs: normal([examples, inputs], seed),
    targets: tf.tensor1d(
      Array.from({ length: examples }, (_, i) => (i * 7 + seed) % count),
      'int32',
    ),
  };
}

export function release({ inputs, targets }: SupervisedBatch): void {
  tf.dispose([inputs, targets]);
}

export function weights(net: Network): number[] {
  return net.variables.flatMap((variable) => [...variable.dataSync()]);
}
