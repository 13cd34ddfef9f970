/** Batches of a LayersModel that outlive the call they came with. */
import * as tf from '@tensorflow/tfjs-core';
import type { LayersBatch } from './layers-model.js';

/** Kept copies of all tensors of a batch (no data is copied). */
export function keptBatch({ inputs, targets, sampleWeights = [] }: LayersBatch): LayersBatch {
  const keep = (tensor: tf.Tensor): tf.Tensor => tf.keep(tf.clone(tensor));
  return {
    inputs: inputs.map(keep),
    targets: targets.map(keep),
    sampleWeights: sampleWeights.map((weights) => weights && keep(weights)),
  };
}

export function disposeBatch({ inputs, targets, sampleWeights = [] }: LayersBatch): void {
  tf.dispose([...inputs, ...targets, ...sampleWeights.filter((weights) => !!weights)]);
}
