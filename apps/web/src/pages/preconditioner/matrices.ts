/** Reads A, B and S of one layer out of the state of the optimizer that learns them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Optimizer, SupervisedBatch } from '@apo/core';
import { LARGEST_OFFSET, SCALE_OFFSETS } from '@apo/precond';
import type { LayerMatrices, Matrix } from './contract.js';

const PHI = 'rule/phi/';

/**
 * Of the block `<prefix>/dense<layer>`. Low-rank factors are multiplied out, I + U Vᵀ. Waits for the engine, and reads what the
 * state is when it is called.
 */
export async function readMatrices(
  optimizer: Optimizer<SupervisedBatch>,
  prefix: string,
  layer: number,
): Promise<LayerMatrices> {
  const { tensors } = optimizer.state();
  const block = `${PHI}${prefix}/dense${layer}`;
  const step = optimizer.steps;
  const parts = tf.tidy(() => ({
    A: factor('A'),
    B: factor('B'),
    S: tf.clone(tensors[`${block}.S`] as tf.Tensor2D),
    rate: rateOf(),
  }));
  try {
    const [A, B, S, rate] = await Promise.all([
      read(parts.A),
      read(parts.B),
      read(parts.S),
      parts.rate.data(),
    ]);
    return { layer, step, rate: rate[0]!, A, B, S };
  } finally {
    tf.dispose(parts);
  }

  function factor(name: 'A' | 'B'): tf.Tensor2D {
    const whole = tensors[`${block}.${name}`] as tf.Tensor2D | undefined;
    if (whole !== undefined) return tf.clone(whole);
    const [u, v] = ['U', 'V'].map((half) => tensors[`${block}.${name}.${half}`] as tf.Tensor2D);
    return tf.add(tf.eye(u!.shape[0]), tf.matMul(u!, v!, false, true));
  }

  /** log η of the block: the global one, and the offset where each block has its own. */
  function rateOf(): tf.Tensor {
    const global = tensors[`${PHI}logLearningRate`]!;
    const offsets = tensors[`${PHI}${SCALE_OFFSETS}`];
    if (offsets === undefined) return tf.exp(global);
    const own = tf.slice(offsets, [layer - 1], [1]);
    return tf.exp(tf.add(global, tf.mul(tf.tanh(tf.div(own, LARGEST_OFFSET)), LARGEST_OFFSET)));
  }
}

async function read(tensor: tf.Tensor2D): Promise<Matrix> {
  const [rows, columns] = tensor.shape;
  return { rows, columns, values: await tensor.data<'float32'>() };
}
