/** LeNet-5 as it is used today: two convolutions with max-pooling and three dense layers, ReLU (after LeCun et al. 1998, whose C3 was sparse, with tanh and averages). */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';
import { biasVariable, denseLayer, kernelVariable } from './dense-layer.js';
import { requireFreeNames } from './free-names.js';
import type { Model } from './model.js';

export interface LenetOptions {
  /** Of the initial kernels (He et al. 2015); biases start at zero. */
  readonly seed: number;
  /** Prefix of the variables' names; needed when two models live at the same time, since names are unique in a program. */
  readonly name?: string;
}

const layerNames = ['conv1', 'conv2', 'dense1', 'dense2', 'dense3'] as const;
const DENSE_SIZES = [5 * 5 * 16, 120, 84, 10] as const;

/**
 * 28×28×1 – convolution 5×5 to 6 channels, `same` – pool 2×2 – convolution 5×5 to 16, `valid` – pool 2×2 – 120 – 84 – 10.
 * Its variables are `conv1/kernel` `[5, 5, 1, 6]`, `conv1/bias` `[6]`, `conv2/kernel` `[5, 5, 6, 16]`, …, `dense3/bias`
 * `[10]`, after `name` and a slash when one is given. `predict` maps `[batch, 784]` or `[batch, 28, 28, 1]` to logits
 * `[batch, 10]`.
 * @throws ApoError `INVALID_ARGUMENT` for a seed that is not whole or names that a living model already uses.
 */
export function lenet({ seed, name }: LenetOptions): Model {
  const random = createRandom(seed);
  const [conv1Name, conv2Name, ...denseNames] = layerNames.map((layer) =>
    name === undefined ? layer : `${name}/${layer}`,
  ) as [string, string, string, string, string];
  requireFreeNames(
    [conv1Name, conv2Name, ...denseNames].flatMap((layer) => [`${layer}/kernel`, `${layer}/bias`]),
  );
  const conv1 = convolution(conv1Name, [5, 5, 1, 6], 'same');
  const conv2 = convolution(conv2Name, [5, 5, 6, 16], 'valid');
  const dense = denseNames.map((layer, i) =>
    denseLayer(layer, [DENSE_SIZES[i]!, DENSE_SIZES[i + 1]!], {
      initializer: 'he-normal',
      random,
      bias: true,
    }),
  );
  const variables = [conv1, conv2, ...dense].flatMap((layer) => layer.variables);
  return {
    variables,
    predict: (inputs) =>
      tf.tidy(() => {
        const images = tf.reshape(inputs, [-1, 28, 28, 1]);
        const features = tf.reshape(conv2.apply(conv1.apply(images)), [-1, DENSE_SIZES[0]]);
        return dense.reduce<tf.Tensor>((x, layer, i) => {
          const output = layer.apply(x);
          return i === dense.length - 1 ? output : tf.relu(output);
        }, features);
      }),
    dispose: () => variables.forEach((variable) => variable.dispose()),
  };

  function convolution(
    layer: string,
    shape: [number, number, number, number],
    padding: 'same' | 'valid',
  ): { readonly variables: readonly tf.Variable[]; readonly apply: (x: tf.Tensor) => tf.Tensor } {
    const kernel = kernelVariable<tf.Rank.R4>(layer, shape, 'he-normal', random);
    const bias = biasVariable(layer, shape[3]);
    return {
      variables: [kernel, bias],
      apply(x) {
        const filtered = tf.add(tf.conv2d(x as tf.Tensor4D, kernel, 1, padding), bias);
        return tf.maxPool(tf.relu(filtered as tf.Tensor4D), 2, 2, 'valid');
      },
    };
  }
}
