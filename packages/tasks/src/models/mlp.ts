/** Multilayer perceptron: dense layers with one activation between them, and raw outputs (logits) at the end. */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom, requireArgument, requireInteger } from '@apo/core';
import { requireFreeNames } from './free-names.js';
import { initialKernel, initializers } from './initialize.js';
import type { Initializer } from './initialize.js';
import type { Model } from './model.js';

export type Activation = 'relu' | 'tanh' | 'sigmoid';

export interface MlpOptions {
  /** Widths from input to output, at least two: `[784, 256, 256, 10]` has three layers. */
  readonly sizes: readonly number[];
  /** Default `relu`. */
  readonly activation?: Activation;
  /** Of the initial kernels; biases start at zero. */
  readonly seed: number;
  /** Default: `he-normal` for ReLU, `glorot-uniform` otherwise. */
  readonly initializer?: Initializer;
  /** Prefix of the variables' names; needed when two models live at the same time, since names are unique in a program. */
  readonly name?: string;
}

const activations: Readonly<Record<Activation, (x: tf.Tensor) => tf.Tensor>> = {
  relu: tf.relu,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
};

/**
 * Builds the model. Its variables are `dense1/kernel` `[sizes[0], sizes[1]]`, `dense1/bias` `[sizes[1]]`,
 * `dense2/kernel`, …, after `name` and a slash when one is given. `predict` maps `[batch, sizes[0]]` to
 * `[batch, sizes.at(-1)]`.
 * @throws ApoError `INVALID_ARGUMENT` for fewer than two sizes, a size below 1, an unknown activation or initializer, a
 *   seed that is not whole, or names that a living model already uses.
 */
export function mlp(options: MlpOptions): Model {
  const { sizes, activation = 'relu', seed, name } = options;
  const { initializer = activation === 'relu' ? 'he-normal' : 'glorot-uniform' } = options;
  requireArgument(
    sizes.length >= 2,
    () => `sizes is [${sizes.join(', ')}]; expected at least an input and an output width.`,
  );
  for (const size of sizes) requireInteger('Every entry of sizes', size, 1);
  requireArgument(
    Object.hasOwn(activations, activation),
    () => `Unknown activation "${activation}"; expected one of ${Object.keys(activations).join(', ')}.`,
  );
  requireArgument(
    initializers.includes(initializer),
    () => `Unknown initializer "${initializer}"; expected one of ${initializers.join(', ')}.`,
  );
  const random = createRandom(seed);
  const prefix = name === undefined ? '' : `${name}/`;
  const names = sizes.slice(1).map((_, layer) => `${prefix}dense${layer + 1}`);
  requireFreeNames(names.flatMap((layer) => [`${layer}/kernel`, `${layer}/bias`]));

  const layers = names.map((layer, i) => {
    const [fanIn, fanOut] = [sizes[i]!, sizes[i + 1]!];
    const kernel = tf.tidy(() =>
      tf.variable<tf.Rank.R2>(
        tf.tensor2d(initialKernel(initializer, fanIn, fanOut, random), [fanIn, fanOut]),
        true,
        `${layer}/kernel`,
      ),
    );
    const bias = tf.tidy(() => tf.variable<tf.Rank.R1>(tf.zeros([fanOut]), true, `${layer}/bias`));
    return { kernel, bias };
  });
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  const activate = activations[activation];
  return {
    variables,
    predict: (inputs) =>
      tf.tidy(() =>
        layers.reduce<tf.Tensor>((x, { kernel, bias }, i) => {
          const output = tf.add(tf.matMul(x as tf.Tensor2D, kernel), bias);
          return i === layers.length - 1 ? output : activate(output);
        }, inputs),
      ),
    dispose: () => variables.forEach((variable) => variable.dispose()),
  };
}
