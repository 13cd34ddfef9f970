/** One forward and backward pass as numbers, and tensors that a test uses until it ends. */
import * as tf from '@tensorflow/tfjs-core';
import { basePass } from '../src/base-pass.js';
import type { Objective, SupervisedBatch } from '../src/objective.js';
import { testVariable, uniformTensor, values } from './numeric.js';

/** J, ∇J and the outputs on one batch, as numbers. */
export function pass(
  objective: Objective<SupervisedBatch>,
  batch: SupervisedBatch,
): {
  loss: number;
  gradients: Record<string, number[]>;
  outputs: number[];
} {
  const outputs: number[] = [];
  return tf.tidy(() => {
    const { loss, gradients } = basePass(objective, [{ batch, seed: 1 }], {
      onOutputs: (output) => outputs.push(...values(output as tf.Tensor)),
    });
    const read = Object.entries(gradients).map(([name, tensor]) => [name, values(tensor)]);
    return {
      loss: loss.dataSync()[0]!,
      gradients: Object.fromEntries(read) as Record<string, number[]>,
      outputs,
    };
  });
}

const used: tf.Tensor[] = [];

/** Remembers a tensor for `disposeUsed`. */
export function use<T extends tf.Tensor>(tensor: T): T {
  used.push(tensor);
  return tensor;
}

/** Call it after each test. */
export function disposeUsed(): void {
  tf.dispose(used.splice(0));
}

/** A weight with values uniform in [−1, 1) from `seed`, used. */
export function weight(shape: number[], seed: number): tf.Variable {
  return use(testVariable(uniformTensor(shape, seed), `w${seed}`));
}

/** A batch of two tensors, used. */
export function batchOf(inputs: tf.Tensor, targets: tf.Tensor): SupervisedBatch {
  return { inputs: use(inputs), targets: use(targets) };
}
