/** LeNet-5 with ReLU and max-pooling. */
import type { Random } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, batch, bias, kernel } from './parts.js';
import type { BenchModel } from './parts.js';

/** 28×28×1 – conv 5×5×6 same – pool – conv 5×5×16 – pool – 120 – 84 – 10, ReLU. */
export function lenet(batchSize: number, random: Random): BenchModel {
  const conv1 = kernel('conv1', [5, 5, 1, 6], random);
  const bias1 = bias('conv1', 6);
  const conv2 = kernel('conv2', [5, 5, 6, 16], random);
  const bias2 = bias('conv2', 16);
  const sizes = [400, 120, 84, 10];
  const layers = sizes.slice(1).map((size, i) => affine(`fc${i}`, sizes[i]!, size, random));
  const convolve = (x: tf.Tensor, w: tf.Variable, b: tf.Variable, padding: 'same' | 'valid'): tf.Tensor => {
    const filtered = tf.conv2d(x as tf.Tensor4D, w as unknown as tf.Tensor4D, 1, padding);
    return tf.maxPool(tf.relu(tf.add(filtered, b)) as tf.Tensor4D, 2, 2, 'valid');
  };
  return assemble(
    [conv1, bias1, conv2, bias2, ...layers.flatMap((layer) => layer.variables)],
    'softmax-cross-entropy',
    (inputs) => {
      const features = convolve(convolve(inputs, conv1, bias1, 'same'), conv2, bias2, 'valid');
      return layers.reduce<tf.Tensor>(
        (x, layer, i) => {
          const sum = layer.apply(x);
          return i === layers.length - 1 ? sum : tf.relu(sum);
        },
        tf.reshape(features, [batchSize, 400]),
      );
    },
    () => batch([batchSize, 28, 28, 1], 10, random),
  );
}
