/** Dense networks: a classifier, or an autoencoder where the loss compares with the inputs. */
import type { LossName, Random } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, batch } from './parts.js';
import type { BenchModel } from './parts.js';

export function dense(
  sizes: readonly number[],
  activation: 'relu' | 'sigmoid',
  loss: LossName,
  batchSize: number,
  random: Random,
): BenchModel {
  const layers = sizes.slice(1).map((size, i) => affine(`dense${i}`, sizes[i]!, size, random));
  const activate = activation === 'relu' ? tf.relu : tf.sigmoid;
  const reconstructs = loss === 'sigmoid-cross-entropy';
  return assemble(
    layers.flatMap((layer) => layer.variables),
    loss,
    (inputs) =>
      layers.reduce<tf.Tensor>((x, layer, i) => {
        const sum = layer.apply(x);
        return i === layers.length - 1 ? sum : activate(sum);
      }, inputs),
    () => batch([batchSize, sizes[0]!], reconstructs ? undefined : sizes.at(-1)!, random),
  );
}
