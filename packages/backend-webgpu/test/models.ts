/**
 * Small models of every kind that is trained with this project, as objectives on seeded values: the same on every engine. Products have more than
 * 128 elements where they can: for fewer TensorFlow.js has a program that a software renderer takes very long for.
 */
import { createObjective, createRandom } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';

export interface Model {
  readonly objective: Objective<SupervisedBatch>;
  /** The i-th batch, seeded; the caller disposes it. */
  batch(i: number): SupervisedBatch;
}

export const models = {
  MLP: mlp,
  autoencoder,
  LeNet: lenet,
  'ResNet block': residualBlock,
  'Transformer block': transformerBlock,
} as const;

let instances = 0;

function uniform(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => 2 * random.next() - 1);
}

function tensorOf(shape: number[], seed: number): tf.Tensor {
  return tf.tensor(uniform(tf.util.sizeFromShape(shape), seed), shape);
}

/** Makes variables of one model: uniform with variance 1/fan-in, or a constant. */
function parameters(): {
  weight: (...shape: number[]) => tf.Variable;
  constant: (value: number, size: number) => tf.Variable;
  all: tf.Variable[];
} {
  const all: tf.Variable[] = [];
  const prefix = `model${instances++}`;
  const add = (initial: tf.Tensor): tf.Variable => {
    const variable = tf.variable(initial, true, `${prefix}/v${all.length}`);
    initial.dispose();
    all.push(variable);
    return variable;
  };
  return {
    all,
    weight: (...shape) => {
      const scale = Math.sqrt(3 / tf.util.sizeFromShape(shape.slice(0, -1)));
      const values = uniform(tf.util.sizeFromShape(shape), 100 + all.length).map((value) => value * scale);
      return add(tf.tensor(values, shape));
    },
    constant: (value, size) => add(tf.fill([size], value)),
  };
}

function oneHot(count: number, classes: number, seed: number): tf.Tensor {
  const random = createRandom(seed);
  const values = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) values[i * classes + random.integer(classes)] = 1;
  return tf.tensor2d(values, [count, classes]);
}

const dense = (x: tf.Tensor, w: tf.Variable, b: tf.Variable): tf.Tensor => tf.add(tf.matMul(x, w), b);

function mlp(): Model {
  const { weight, constant, all } = parameters();
  const [w1, b1, w2, b2, w3, b3] = [
    weight(20, 30),
    constant(0, 30),
    weight(30, 24),
    constant(0, 24),
    weight(24, 10),
    constant(0, 10),
  ];
  return {
    objective: createObjective({
      variables: all,
      predict: ({ inputs }) => dense(tf.relu(dense(tf.tanh(dense(inputs, w1, b1)), w2, b2)), w3, b3),
      loss: 'softmax-cross-entropy',
    }),
    batch: (i) => ({ inputs: tensorOf([16, 20], 1000 + i), targets: oneHot(16, 10, 2000 + i) }),
  };
}

function autoencoder(): Model {
  const { weight, constant, all } = parameters();
  const sizes = [24, 20, 12, 20, 24];
  const layers = sizes.slice(1).map((size, i) => [weight(sizes[i]!, size), constant(0, size)] as const);
  return {
    objective: createObjective({
      variables: all,
      predict: ({ inputs }) =>
        layers.reduce(
          (h, [w, b], i) => (i < layers.length - 1 ? tf.sigmoid(dense(h, w, b)) : dense(h, w, b)),
          inputs,
        ),
      loss: 'sigmoid-cross-entropy',
    }),
    batch: (i) => {
      const inputs = tf.tidy(() => tf.mul(tf.add(tensorOf([12, 24], 1000 + i), 1), 0.5));
      return { inputs, targets: tf.clone(inputs) };
    },
  };
}

function lenet(): Model {
  const { weight, constant, all } = parameters();
  const [c1, b1, c2, b2, w, b] = [
    weight(5, 5, 1, 4),
    constant(0.1, 4),
    weight(3, 3, 4, 8),
    constant(0.1, 8),
    weight(72, 10),
    constant(0, 10),
  ];
  return {
    objective: createObjective({
      variables: all,
      predict: ({ inputs }) => {
        const images = inputs as tf.Tensor4D;
        const first = tf.relu(tf.add(tf.conv2d(images, c1 as tf.Tensor as tf.Tensor4D, 1, 'same'), b1));
        const pooled = tf.maxPool(first as tf.Tensor4D, 2, 2, 'valid');
        const second = tf.relu(tf.add(tf.conv2d(pooled, c2 as tf.Tensor as tf.Tensor4D, 1, 'same'), b2));
        const small = tf.avgPool(second as tf.Tensor4D, 2, 2, 'valid');
        return dense(tf.reshape(small, [-1, 72]), w, b);
      },
      loss: 'softmax-cross-entropy',
    }),
    batch: (i) => ({ inputs: tensorOf([4, 12, 12, 1], 1000 + i), targets: oneHot(4, 10, 2000 + i) }),
  };
}

/** Two convolutions with batch normalisation, the first of stride 2, and a convolution of size 1 around them. */
function residualBlock(): Model {
  const { weight, constant, all } = parameters();
  const [c1, g1, s1] = [weight(3, 3, 4, 8), constant(1, 8), constant(0, 8)];
  const [c2, g2, s2] = [weight(3, 3, 8, 8), constant(1, 8), constant(0, 8)];
  const [around, w, b] = [weight(1, 1, 4, 8), weight(8, 5), constant(0, 5)];
  const convolve = (x: tf.Tensor, kernel: tf.Variable, stride: number): tf.Tensor =>
    tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor as tf.Tensor4D, stride, 'same');
  const normalise = (x: tf.Tensor, scale: tf.Variable, shift: tf.Variable): tf.Tensor => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean, variance, shift, scale, 1e-3);
  };
  return {
    objective: createObjective({
      variables: all,
      predict: ({ inputs }) => {
        const inner = normalise(convolve(tf.relu(normalise(convolve(inputs, c1, 2), g1, s1)), c2, 1), g2, s2);
        const sum = tf.relu(tf.add(inner, convolve(inputs, around, 2)));
        return dense(tf.mean(sum, [1, 2]), w, b);
      },
      loss: 'softmax-cross-entropy',
    }),
    batch: (i) => ({ inputs: tensorOf([4, 8, 8, 4], 1000 + i), targets: oneHot(4, 5, 2000 + i) }),
  };
}

const VOCABULARY = 11;
const LENGTH = 6;
const WIDTH = 12;
const HEADS = 2;

/** Embedding, causal self-attention with two heads, a feed-forward pair with layer normalisation before each, and logits. */
function transformerBlock(): Model {
  const { weight, constant, all } = parameters();
  const embedding = weight(VOCABULARY, WIDTH);
  const [g1, s1, queryKeyValue, out] = [
    constant(1, WIDTH),
    constant(0, WIDTH),
    weight(WIDTH, 3 * WIDTH),
    weight(WIDTH, WIDTH),
  ];
  const [g2, s2, up, upBias, down, downBias] = [
    constant(1, WIDTH),
    constant(0, WIDTH),
    weight(WIDTH, 16),
    constant(0, 16),
    weight(16, WIDTH),
    constant(0, WIDTH),
  ];
  const [logits, logitsBias] = [weight(WIDTH, VOCABULARY), constant(0, VOCABULARY)];
  const normalise = (x: tf.Tensor, scale: tf.Variable, shift: tf.Variable): tf.Tensor => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), scale), shift);
  };
  const attention = (x: tf.Tensor, count: number): tf.Tensor => {
    const projected = tf.reshape(tf.matMul(x, queryKeyValue), [count, LENGTH, 3, HEADS, WIDTH / HEADS]);
    const [query, key, value] = tf.unstack(tf.transpose(projected, [2, 0, 3, 1, 4])) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(WIDTH / HEADS));
    const past = tf.linalg.bandPart(tf.ones([LENGTH, LENGTH]), -1, 0);
    const masked = tf.add(scores, tf.mul(tf.sub(1, past), -1e9));
    const mixed = tf.matMul(tf.softmax(masked), value);
    return tf.matMul(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [count * LENGTH, WIDTH]), out);
  };
  return {
    objective: createObjective({
      variables: all,
      predict: ({ inputs }) => {
        const count = inputs.shape[0];
        const tokens = tf.reshape(inputs, [count * LENGTH]);
        const x = tf.gather(embedding, tokens);
        const attended = tf.add(x, attention(normalise(x, g1, s1), count));
        const wide = tf.sigmoid(dense(normalise(attended, g2, s2), up, upBias));
        return dense(tf.add(attended, dense(wide, down, downBias)), logits, logitsBias);
      },
      loss: 'softmax-cross-entropy',
    }),
    batch: (i) => {
      const random = createRandom(1000 + i);
      const tokens = Int32Array.from({ length: 4 * LENGTH }, () => random.integer(VOCABULARY));
      return {
        inputs: tf.tensor2d(tokens, [4, LENGTH], 'int32'),
        targets: oneHot(4 * LENGTH, VOCABULARY, 2000 + i),
      };
    },
  };
}
