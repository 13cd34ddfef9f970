/** Deep autoencoders on MNIST, after Hinton & Salakhutdinov (2006) and Martens & Grosse (2015): the largest, and two that train in minutes. */
import type { SupervisedBatch } from '@apo/core';
import { loadMnist } from '../data/mnist.js';
import { pooledImages } from '../data/pool-images.js';
import { mlp } from '../models/mlp.js';
import { reconstructionTask } from './reconstruction.js';
import { requireStore } from './require-store.js';
import type { Task } from './task.js';

const WEIGHT_DECAY = 1e-5;

interface AutoencoderShape {
  readonly name: string;
  /** Side of the squares of pixels that are averaged; 1 leaves the images as they are. */
  readonly block: number;
  /** Widths from the pixels to the code; the decoder mirrors them. */
  readonly encoder: readonly number[];
  readonly batchSize: number;
  readonly steps: number;
}

/**
 * Bernoulli loss summed over the pixels, averaged over the batch, plus ½ · 10⁻⁵ ‖θ‖² over weights and biases (as in the
 * programs of Martens and Grosse, which do not exempt the biases). Kernels are Glorot uniform with the sigmoid's gain of 4, biases
 * zero: with a gain of 1 the networks start on a plateau where all images get one answer, and few optimizers leave it soon.
 */
function autoencoderTask({
  name,
  block,
  encoder,
  batchSize,
  steps,
}: AutoencoderShape): Task<SupervisedBatch> {
  const sizes = [...encoder, ...encoder.slice(0, -1).reverse()];
  const side = 28 / block;
  // The code, in the middle, is linear: Hinton & Salakhutdinov (2006), and the benchmarks after them.
  const hidden = sizes.slice(1, -1).map((_, i) => (i === encoder.length - 2 ? 'linear' : 'sigmoid'));
  return {
    name,
    description: `MNIST at ${side} × ${side}, autoencoder ${sizes.join('-')}, sigmoid with a linear code.`,
    kind: 'reconstruction',
    needsStore: true,
    defaults: { batchSize, steps, interval: 10, trainLossExamples: 10_000 },
    async load({ seed = 0, store, name: prefix } = {}) {
      const mnist = await loadMnist(requireStore(name, store));
      const data = { train: pooledImages(mnist.train, block), test: pooledImages(mnist.test, block) };
      const model = mlp({
        sizes,
        activation: hidden,
        initializer: 'glorot-uniform-sigmoid',
        seed,
        ...(prefix !== undefined && { name: prefix }),
      });
      return reconstructionTask({ data, model, batchSize, weightDecay: WEIGHT_DECAY });
    },
  };
}

/** 784-1000-500-250-30 and back; the benchmark of Martens & Grosse (2015, Sec. 13). */
export const autoencoder = autoencoderTask({
  name: 'autoencoder',
  block: 1,
  encoder: [784, 1000, 500, 250, 30],
  batchSize: 512,
  steps: 1000,
});

/** 784-256-128-64-30 and back. */
export const autoencoderSmall = autoencoderTask({
  name: 'autoencoder-small',
  block: 1,
  encoder: [784, 256, 128, 64, 30],
  batchSize: 512,
  steps: 1500,
});

/** 196-100-50-25-10 and back, on images averaged to 14 × 14. */
export const autoencoderTiny = autoencoderTask({
  name: 'autoencoder-tiny',
  block: 2,
  encoder: [196, 100, 50, 25, 10],
  batchSize: 256,
  steps: 1500,
});
