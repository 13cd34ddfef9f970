/** Seeded multilayer perceptrons of a dozen parameters, and their data: what the theory is checked on. Written as a function of the parameters, so that one graph can span an update and the network after it. */
import * as tf from '@tensorflow/tfjs-core';
import { createObjective, createRandom, requireArgument, requireInteger } from '@apo/core';
import type { LossName, Objective, Random, SupervisedBatch, TensorMap } from '@apo/core';

export interface SmallNetworkOptions {
  /** Widths from input to output, at least two. */
  readonly sizes: readonly number[];
  readonly loss: LossName;
  /** Examples in each of the two batches, ≥ 1. Default 8. */
  readonly examples?: number;
  /** Between layers. Default `tanh`. */
  readonly activation?: 'tanh' | 'linear';
  /** Default 1. */
  readonly seed?: number;
}

export interface SmallNetwork {
  readonly objective: Objective<SupervisedBatch>;
  readonly variables: readonly tf.Variable[];
  /** B. */
  readonly batch: SupervisedBatch;
  /** B′, of other examples. */
  readonly other: SupervisedBatch;
  /** The same network with parameters by variable name instead of the variables' values. */
  predict(parameters: TensorMap, inputs: tf.Tensor): tf.Tensor;
  /** Frees the variables and both batches. */
  dispose(): void;
}

/**
 * A perceptron with weights N(0, 1/fan-in), biases N(0, ¼), inputs N(0, 1), and random targets of the kind that the loss takes.
 * The caller disposes it. @throws ApoError `INVALID_ARGUMENT` for fewer than two widths or a width or batch below 1.
 */
export function smallNetwork({
  sizes,
  loss,
  examples = 8,
  activation = 'tanh',
  seed = 1,
}: SmallNetworkOptions): SmallNetwork {
  requireArgument(
    sizes.length >= 2,
    () => `sizes is [${sizes.join(', ')}]; expected at least an input and an output width.`,
  );
  sizes.forEach((width, i) => requireInteger(`sizes[${i}]`, width, 1));
  requireInteger('examples', examples, 1);
  const random = createRandom(seed);
  const network = freeName();
  const layers = sizes.slice(1).map((width, i) => ({
    kernel: variable(
      normal(random, [sizes[i]!, width], 1 / Math.sqrt(sizes[i]!)),
      `${network}/${i + 1}/kernel`,
    ),
    bias: variable(normal(random, [width], 0.5), `${network}/${i + 1}/bias`),
  }));
  const predict = (parameters: TensorMap, inputs: tf.Tensor): tf.Tensor =>
    layers.reduce((x, { kernel, bias }, i) => {
      const y = tf.add(
        tf.matMul(x as tf.Tensor2D, parameters[kernel.name]! as tf.Tensor2D),
        parameters[bias.name]!,
      );
      return i + 1 < layers.length && activation === 'tanh' ? tf.tanh(y) : y;
    }, inputs);
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  const own = Object.fromEntries(variables.map((v): [string, tf.Tensor] => [v.name, v]));
  const objective = createObjective({ variables, loss, predict: ({ inputs }) => predict(own, inputs) });
  const batches = [0, 1].map(() => ({
    inputs: normal(random, [examples, sizes[0]!], 1),
    targets: randomTargets(random, loss, examples, sizes.at(-1)!),
  }));
  return {
    objective,
    variables,
    batch: batches[0]!,
    other: batches[1]!,
    predict,
    dispose: () => tf.dispose([...variables, ...batches.flatMap(({ inputs, targets }) => [inputs, targets])]),
  };
}

/** Independent N(0, scale²) values; the caller owns the tensor. */
export function normal(random: Random, shape: number[], scale: number): tf.Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * random.normal()),
    shape,
  );
}

/** `network1`, or the next one that no living network has: names of variables are unique in a program. */
function freeName(): string {
  const { registeredVariables } = tf.engine();
  let number = 1;
  while (registeredVariables[`network${number}/1/kernel`] !== undefined) number++;
  return `network${number}`;
}

/** A variable called `name`, or by a name of the engine's choosing; takes `initial` over. */
export function variable(initial: tf.Tensor, name?: string): tf.Variable {
  const made = tf.variable(initial, true, name);
  initial.dispose();
  return made;
}

function randomTargets(random: Random, loss: LossName, examples: number, width: number): tf.Tensor {
  switch (loss) {
    case 'squared-error':
      return normal(random, [examples, width], 1);
    case 'sigmoid-cross-entropy':
      return tf.tensor(
        Float32Array.from({ length: examples * width }, () => random.integer(2)),
        [examples, width],
      );
    case 'softmax-cross-entropy':
      return tf.tensor1d(
        Int32Array.from({ length: examples }, () => random.integer(width)),
        'int32',
      );
  }
}
