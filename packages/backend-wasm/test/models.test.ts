/** Whole models on the training kernels: gradients against central differences of the loss, leaks and determinism. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '@apo/core';
import { randomTensor, startWasm } from '../src/testing/setup.js';

beforeAll(startWasm);

interface Model {
  readonly variables: tf.Variable[];
  readonly loss: () => tf.Scalar;
}

function weight(shape: number[], seed: number): tf.Variable {
  const fanIn = tf.util.sizeFromShape(shape.slice(0, -1));
  return tf.variable(tf.tidy(() => tf.mul(randomTensor(shape, seed), Math.sqrt(3 / fanIn))));
}

function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(labels, tf.logSoftmax(logits)), 1)));
}

function labelsFor(count: number): tf.Tensor {
  const classes = Int32Array.from({ length: count }, (_, i) => i % 10);
  return tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(classes, 'int32'), 10), 'float32'));
}

/** Dense 20-30-10 with tanh, which is smooth, so that differences converge. */
function mlp(): Model {
  const x = randomTensor([16, 20], 1);
  const labels = labelsFor(16);
  const variables = [
    weight([20, 30], 2),
    weight([1, 30], 3),
    weight([30, 10], 4),
    weight([1, 10], 5),
  ] as const;
  const [w1, b1, w2, b2] = variables;
  return {
    variables: [...variables],
    loss: () => {
      const hidden = tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, w1 as tf.Tensor), b1));
      return crossEntropy(tf.add(tf.matMul(hidden, w2 as tf.Tensor), b2), labels);
    },
  };
}

/**
 * LeNet on 10×10 images: convolution, max pool, strided convolution, average pool, depthwise convolution, dense.
 * A maximum has kinks, where differences say nothing; so an offset decides each window (−3 somewhere in it, −9 elsewhere),
 * which also makes every maximum negative.
 */
function lenet(): Model {
  const x = randomTensor([4, 10, 10, 1], 11) as tf.Tensor4D;
  const winners = createRandom(17);
  const offsets = new Float32Array(10 * 10 * 3).fill(-9);
  for (let i = 0; i < 10; i += 2)
    for (let j = 0; j < 10; j += 2)
      for (let c = 0; c < 3; c++)
        offsets[((i + winners.integer(2)) * 10 + j + winners.integer(2)) * 3 + c] = -3;
  const offset = tf.tensor4d(offsets, [1, 10, 10, 3]);
  const labels = labelsFor(4);
  const variables = [
    weight([5, 5, 1, 3], 12),
    weight([3, 3, 3, 6], 13),
    weight([3, 3, 6, 1], 14),
    weight([24, 10], 15),
    weight([1, 3], 16),
  ] as const;
  const [c1, c2, depthwise, dense, bias] = variables as unknown as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor2D,
    tf.Tensor,
  ];
  return {
    variables: [...variables],
    loss: () => {
      const first = tf.add<tf.Tensor4D>(tf.add(tf.conv2d(x, c1, 1, 'same'), bias), offset);
      let h = tf.tanh(tf.add<tf.Tensor4D>(tf.maxPool(first, 2, 2, 'valid'), 3));
      h = tf.avgPool(tf.tanh(tf.conv2d(h, c2, 2, 'same')), 3, 2, 'same');
      h = tf.tanh(tf.depthwiseConv2d(h, depthwise, 1, 'same'));
      return crossEntropy(tf.matMul(tf.reshape(h, [4, 24]), dense), labels);
    },
  };
}

/** dL/dv along a random direction, by central differences of step h: exact to h²·L‴/6 plus rounding 2⁻²⁴·L/h. */
function directional(model: Model, directions: tf.Tensor[], h: number): number {
  const at = (sign: number): number =>
    tf.tidy(() => {
      const saved = model.variables.map((v) => v.clone());
      model.variables.forEach((v, i) => v.assign(tf.add(v, tf.mul(directions[i]!, sign * h))));
      const value = model.loss().dataSync()[0]!;
      model.variables.forEach((v, i) => v.assign(saved[i]!));
      return value;
    });
  return (at(1) - at(-1)) / (2 * h);
}

describe.each([
  ['MLP', mlp],
  ['LeNet with every pooling and convolution', lenet],
])('%s', (_name, create) => {
  it('has the gradient that central differences of the loss give, in every variable', () => {
    const model = create();
    const { grads } = tf.variableGrads(model.loss, model.variables);
    const random = createRandom(5);
    model.variables.forEach((variable, index) => {
      for (let trial = 0; trial < 3; trial++) {
        const seed = random.integer(1_000_000);
        const directions = model.variables.map((v, i) =>
          i === index ? randomTensor(v.shape, seed) : tf.zerosLike(v),
        );
        const expected = directional(model, directions, 4e-3);
        const actual = tf.tidy(
          () => tf.sum(tf.mul(grads[variable.name]!, directions[index]!)).dataSync()[0]!,
        );
        const scale = tf.tidy(() => tf.norm(grads[variable.name]!).dataSync()[0]!);
        // Rounding of the two losses (≈ 2.3, to 2⁻²⁴ and a few operations) over 2h is up to 1e−4.
        expect(Math.abs(actual - expected)).toBeLessThan(2e-4 + 2e-3 * scale);
      }
    });
  });

  it('leaks neither tensors nor WASM memory over training steps, and repeats to the bit', () => {
    const backend = tf.backend() as unknown as BackendWasm;
    const train = (model: Model, steps: number): void => {
      for (let i = 0; i < steps; i++) {
        tf.tidy(() => {
          const { grads } = tf.variableGrads(model.loss, model.variables);
          for (const v of model.variables) v.assign(tf.sub(v, tf.mul(grads[v.name]!, 0.1)));
        });
      }
    };
    const first = create();
    const before = tf.tidy(() => first.loss().dataSync()[0]!);
    train(first, 2);
    const tensors = tf.memory().numTensors;
    const blocks = backend.numDataIds();
    train(first, 8);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(backend.numDataIds()).toBe(blocks);
    const after = tf.tidy(() => first.loss().dataSync()[0]!);
    expect(after).toBeLessThan(before);
    const second = create();
    train(second, 10);
    second.variables.forEach((v, i) => expect(v.dataSync()).toEqual(first.variables[i]!.dataSync()));
  });
});
