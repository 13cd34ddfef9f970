/** The three networks of the benchmark on synthetic batches of the right shape: what is measured is time, not learning. */
import { createObjective, createRandom } from '@apo/core';
import type { LossName, Objective, Random, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';

export const benchModels = {
  mlp: { title: 'MLP 784-1000-1000-10', batchSize: 100 },
  autoencoder: { title: 'autoencoder 784-1000-500-250-30-250-500-1000-784', batchSize: 512 },
  lenet: { title: 'LeNet', batchSize: 128 },
} as const;
export type BenchModelName = keyof typeof benchModels;
export const benchModelNames = Object.keys(benchModels) as readonly BenchModelName[];

/** A network with two batches to train on; `dispose` frees all of it. */
export interface BenchModel {
  readonly objective: Objective<SupervisedBatch>;
  readonly batches: readonly [SupervisedBatch, SupervisedBatch];
  dispose(): void;
}

/** Weights and batches from a fixed seed, on the current backend. */
export function createBenchModel(name: BenchModelName): BenchModel {
  const random = createRandom(1);
  switch (name) {
    case 'mlp':
      return dense([784, 1000, 1000, 10], 'relu', 'softmax-cross-entropy', benchModels.mlp.batchSize, random);
    case 'autoencoder':
      return dense(
        [784, 1000, 500, 250, 30, 250, 500, 1000, 784],
        'sigmoid',
        'sigmoid-cross-entropy',
        benchModels.autoencoder.batchSize,
        random,
      );
    case 'lenet':
      return lenet(benchModels.lenet.batchSize, random);
    default:
      return name satisfies never;
  }
}

/** Normal weights with variance 2 / fan-in. */
function kernel(name: string, shape: number[], random: Random): tf.Variable {
  const fanIn = shape.slice(0, -1).reduce((product, side) => product * side, 1);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
  return tf.tidy(() =>
    tf.variable(tf.mul(tf.tensor(values, shape), Math.sqrt(2 / fanIn)), true, `bench/${name}/kernel`),
  );
}

function bias(name: string, size: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros([size]), true, `bench/${name}/bias`));
}

function uniform(shape: number[], random: Random): tf.Tensor {
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.next()),
    shape,
  );
}

/** Images in [0, 1], with a class each or with themselves as targets. */
function batch(shape: number[], classes: number | undefined, random: Random): SupervisedBatch {
  const inputs = uniform(shape, random);
  if (classes === undefined) return { inputs, targets: inputs };
  const labels = Float32Array.from({ length: shape[0]! * classes }, (_, i) => (i % classes === 0 ? 1 : 0));
  return { inputs, targets: tf.tensor2d(labels, [shape[0]!, classes]) };
}

function assemble(
  variables: tf.Variable[],
  loss: LossName,
  predict: (inputs: tf.Tensor) => tf.Tensor,
  makeBatch: () => SupervisedBatch,
): BenchModel {
  const batches = [makeBatch(), makeBatch()] as const;
  return {
    objective: createObjective({ variables, loss, predict: ({ inputs }) => predict(inputs) }),
    batches,
    dispose: () => tf.dispose([...variables, ...batches.flatMap((b) => [b.inputs, b.targets])]),
  };
}

function dense(
  sizes: readonly number[],
  activation: 'relu' | 'sigmoid',
  loss: LossName,
  batchSize: number,
  random: Random,
): BenchModel {
  const layers = sizes.slice(1).map((size, i) => ({
    kernel: kernel(`dense${i}`, [sizes[i]!, size], random),
    bias: bias(`dense${i}`, size),
  }));
  const activate = activation === 'relu' ? tf.relu : tf.sigmoid;
  const reconstructs = loss === 'sigmoid-cross-entropy';
  return assemble(
    layers.flatMap((layer) => [layer.kernel, layer.bias]),
    loss,
    (inputs) =>
      layers.reduce<tf.Tensor>((x, layer, i) => {
        const sum = tf.add(tf.matMul(x as tf.Tensor2D, layer.kernel as unknown as tf.Tensor2D), layer.bias);
        return i === layers.length - 1 ? sum : activate(sum);
      }, inputs),
    () => batch([batchSize, sizes[0]!], reconstructs ? undefined : sizes.at(-1)!, random),
  );
}

/** 28×28×1 – conv 5×5×6 same – pool – conv 5×5×16 – pool – 120 – 84 – 10, ReLU. */
function lenet(batchSize: number, random: Random): BenchModel {
  const conv1 = kernel('conv1', [5, 5, 1, 6], random);
  const bias1 = bias('conv1', 6);
  const conv2 = kernel('conv2', [5, 5, 6, 16], random);
  const bias2 = bias('conv2', 16);
  const sizes = [400, 120, 84, 10];
  const layers = sizes.slice(1).map((size, i) => ({
    kernel: kernel(`fc${i}`, [sizes[i]!, size], random),
    bias: bias(`fc${i}`, size),
  }));
  const convolve = (x: tf.Tensor, w: tf.Variable, b: tf.Variable, padding: 'same' | 'valid'): tf.Tensor => {
    const filtered = tf.conv2d(x as tf.Tensor4D, w as unknown as tf.Tensor4D, 1, padding);
    return tf.maxPool(tf.relu(tf.add(filtered, b)) as tf.Tensor4D, 2, 2, 'valid');
  };
  return assemble(
    [conv1, bias1, conv2, bias2, ...layers.flatMap((layer) => [layer.kernel, layer.bias])],
    'softmax-cross-entropy',
    (inputs) => {
      const features = convolve(convolve(inputs, conv1, bias1, 'same'), conv2, bias2, 'valid');
      return layers.reduce<tf.Tensor>(
        (x, layer, i) => {
          const sum = tf.add(tf.matMul(x as tf.Tensor2D, layer.kernel as unknown as tf.Tensor2D), layer.bias);
          return i === layers.length - 1 ? sum : tf.relu(sum);
        },
        tf.reshape(features, [batchSize, 400]),
      );
    },
    () => batch([batchSize, 28, 28, 1], 10, random),
  );
}
