/** A small VGG on images of 3 channels: three pairs of 3×3 convolutions, each pair pooled and twice as wide as the one before, then 256 and 10 units. */
import type { Random } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, batch, bias, kernel } from './parts.js';
import type { BenchModel } from './parts.js';

interface VggSize {
  /** Of the first pair. */
  readonly channels?: number;
  /** Width and height of an image, a multiple of 8. */
  readonly side?: number;
}

/** 814,122 parameters at full size; ReLU, max-pooling, convolutions with biases. */
export function vgg(batchSize: number, random: Random, { channels = 32, side = 32 }: VggSize): BenchModel {
  const widths = [1, 1, 2, 2, 4, 4].map((factor) => factor * channels);
  const convolutions = widths.map((width, i) => ({
    weights: kernel(`conv${i}`, [3, 3, widths[i - 1] ?? 3, width], random),
    offset: bias(`conv${i}`, width),
  }));
  const flat = (side / 8) ** 2 * 4 * channels;
  const hidden = affine('hidden', flat, 256, random);
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
      return head.apply(tf.relu(hidden.apply(tf.reshape(features, [batchSize, flat]))));
    },
    () => batch([batchSize, side, side, 3], 10, random),
  );
}
