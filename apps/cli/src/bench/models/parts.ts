/** What the networks of the benchmark are made of: weights from a seed, synthetic batches, layers. */
import { createObjective } from '@apo/core';
import type { LossName, Objective, Random, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';

/** A network with two batches to train on; `dispose` frees all of it. */
export interface BenchModel {
  readonly objective: Objective<SupervisedBatch>;
  readonly batches: readonly [SupervisedBatch, SupervisedBatch];
  dispose(): void;
}

/** Normal weights with variance 2 / fan-in. */
export function kernel(name: string, shape: number[], random: Random): tf.Variable {
  const fanIn = shape.slice(0, -1).reduce((product, side) => product * side, 1);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
  return tf.tidy(() =>
    tf.variable(tf.mul(tf.tensor(values, shape), Math.sqrt(2 / fanIn)), true, `bench/${name}/kernel`),
  );
}

export function bias(name: string, size: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros([size]), true, `bench/${name}/bias`));
}

export function uniform(shape: number[], random: Random): tf.Tensor {
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.next()),
    shape,
  );
}

/** Images in [0, 1], with a class each or with themselves as targets. */
export function batch(shape: number[], classes: number | undefined, random: Random): SupervisedBatch {
  const inputs = uniform(shape, random);
  if (classes === undefined) return { inputs, targets: inputs };
  const labels = Float32Array.from({ length: shape[0]! * classes }, (_, i) => (i % classes === 0 ? 1 : 0));
  return { inputs, targets: tf.tensor2d(labels, [shape[0]!, classes]) };
}

/** A network of these parts, with two batches of its own. */
export function assemble(
  variables: tf.Variable[],
  loss: LossName,
  predict: (inputs: tf.Tensor, training: boolean) => tf.Tensor,
  makeBatch: () => SupervisedBatch,
  stateVariables: tf.Variable[] = [],
): BenchModel {
  const batches = [makeBatch(), makeBatch()] as const;
  return {
    objective: createObjective({
      variables,
      stateVariables,
      loss,
      predict: ({ inputs }, training) => predict(inputs, training),
    }),
    batches,
    dispose: () =>
      tf.dispose([...variables, ...stateVariables, ...batches.flatMap((b) => [b.inputs, b.targets])]),
  };
}

/** x·W + b on `[rows, inputs]`. */
export interface Affine {
  readonly variables: readonly [tf.Variable, tf.Variable];
  readonly apply: (x: tf.Tensor) => tf.Tensor;
}

export function affine(name: string, inputs: number, outputs: number, random: Random): Affine {
  const weights = kernel(name, [inputs, outputs], random);
  const offset = bias(name, outputs);
  return {
    variables: [weights, offset],
    apply: (x) => tf.add(tf.matMul(x as tf.Tensor2D, weights as unknown as tf.Tensor2D), offset),
  };
}
