/** The parts of networks with weights: variables from a seed, named `<layer>/kernel` and `<layer>/bias`, so that a program can tell which belong together. */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '@apo/core';
import { initialKernel } from './initialize.js';
import type { Initializer } from './initialize.js';

/** An initial kernel of any shape as the variable `<layer>/kernel`; the caller owns it. */
export function kernelVariable<R extends tf.Rank>(
  layer: string,
  shape: tf.ShapeMap[R],
  initializer: Initializer,
  random: Random,
): tf.Variable<R> {
  return tf.tidy(() =>
    tf.variable(tf.tensor<R>(initialKernel(initializer, shape, random), shape), true, `${layer}/kernel`),
  );
}

/** `[size]` zeros as the variable `<layer>/bias`; the caller owns it. */
export function biasVariable(layer: string, size: number): tf.Variable<tf.Rank.R1> {
  return tf.tidy(() => tf.variable<tf.Rank.R1>(tf.zeros([size]), true, `${layer}/bias`));
}

/** x·W + b on `[batch, inputs]`. */
export interface DenseLayer {
  /** Kernel, then the bias where there is one; owned by the caller. */
  readonly variables: readonly tf.Variable[];
  /** `[batch, inputs]` → `[batch, outputs]`; for use inside `tf.tidy`. */
  readonly apply: (x: tf.Tensor) => tf.Tensor;
}

/** Makes the variables of one dense layer with a kernel `[inputs, outputs]`. */
export function denseLayer(
  name: string,
  shape: readonly [inputs: number, outputs: number],
  options: { readonly initializer: Initializer; readonly random: Random; readonly bias: boolean },
): DenseLayer {
  const kernel = kernelVariable<tf.Rank.R2>(name, [...shape], options.initializer, options.random);
  if (!options.bias) {
    return { variables: [kernel], apply: (x) => tf.matMul(x, kernel) };
  }
  const bias = biasVariable(name, shape[1]);
  return {
    variables: [kernel, bias],
    apply: (x) => tf.add(tf.matMul(x, kernel), bias),
  };
}
