/** A small VGG on 32×32×3: pairs of 3×3 convolutions of 32, 64 and 128 channels, each pair pooled, then 256 and 10 units. */
import type { Random } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, batch, bias, kernel } from './parts.js';
import type { BenchModel } from './parts.js';

const CHANNELS = [32, 32, 64, 64, 128, 128];

/** 814,122 parameters; ReLU, max-pooling, convolutions with biases. */
export function vgg(batchSize: number, random: Random): BenchModel {
  const convolutions = CHANNELS.map((channels, i) => ({
    weights: kernel(`conv${i}`, [3, 3, CHANNELS[i - 1] ?? 3, channels], random),
    offset: bias(`conv${i}`, channels),
  }));
  const hidden = affine('hidden', 4 * 4 * 128, 256, random);
  const head = affine('head', 256, 10, random);
  return assemble(
    [
      ...convolutions.flatMap(({ weights, offset }) => [weights, offset]),
      ...hidden.variables,
      ...head.variables,
    ],
    'softmax-cross-entropy',
    (inputs) => {
      const features = convolutions.reduce<tf.Tensor>((x, { weights, offset }, i) => {
        const filtered = tf.conv2d(x as tf.Tensor4D, weights as unknown as tf.Tensor4D, 1, 'same');
        const active = tf.relu(tf.add(filtered, offset));
        return i % 2 === 0 ? active : tf.maxPool(active as tf.Tensor4D, 2, 2, 'valid');
      }, inputs);
      return head.apply(tf.relu(hidden.apply(tf.reshape(features, [batchSize, 2048]))));
    },
    () => batch([batchSize, 32, 32, 3], 10, random),
  );
}
