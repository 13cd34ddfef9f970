/** The networks of the benchmark on synthetic batches of the right shape: what is measured is time, not learning. */
import { createRandom } from '@apo/core';
import type { Random } from '@apo/core';
import { dense } from './models/dense.js';
import { lenet } from './models/lenet.js';
import type { BenchModel } from './models/parts.js';
import { resnet18, resnet20 } from './models/resnet.js';
import { transformer } from './models/transformer.js';
import { vgg } from './models/vgg.js';

export type { BenchModel } from './models/parts.js';

/** Small networks have the same kinds and numbers of layers on narrower sides, for a device that takes seconds for the full ones. */
export const benchScales = ['full', 'small'] as const;
export type BenchScale = (typeof benchScales)[number];

export const benchModels = {
  mlp: {
    title: 'MLP 784-1000-1000-10',
    batchSize: 100,
    small: { title: 'MLP 64-96-96-10', batchSize: 32 },
  },
  autoencoder: {
    title: 'autoencoder 784-1000-500-250-30-250-500-1000-784',
    batchSize: 512,
    small: { title: 'autoencoder 64-48-32-24-12-24-32-48-64', batchSize: 32 },
  },
  lenet: { title: 'LeNet', batchSize: 128, small: { title: 'LeNet', batchSize: 4 } },
  vgg: {
    title: 'small VGG, 32×32',
    batchSize: 64,
    small: { title: 'VGG of 8 channels, 16×16', batchSize: 4 },
  },
  resnet20: {
    title: 'ResNet-20, 32×32',
    batchSize: 128,
    small: { title: 'ResNet-20 of 4 channels, 16×16', batchSize: 4 },
  },
  resnet18: {
    title: 'ResNet-18, 32×32',
    batchSize: 128,
    small: { title: 'ResNet-18 of 8 channels, 16×16', batchSize: 2 },
  },
  transformer: {
    title: 'Transformer, 2 layers of 128',
    batchSize: 32,
    small: { title: 'Transformer, 2 layers of 32', batchSize: 2 },
  },
} as const;
export type BenchModelName = keyof typeof benchModels;
export const benchModelNames = Object.keys(benchModels) as readonly BenchModelName[];
/** Those that a CPU takes at most a second a step for. */
export const cpuModelNames = benchModelNames.filter((name) => name !== 'resnet18');

/** What a table calls it. */
export function modelTitle(name: BenchModelName, scale: BenchScale = 'full'): string {
  const { title, batchSize } = scale === 'full' ? benchModels[name] : benchModels[name].small;
  return `${title}, batch ${batchSize}`;
}

export interface BenchModelOptions {
  /** Default: the scale's. */
  readonly batchSize?: number;
  readonly scale?: BenchScale;
  readonly random?: Random;
}

/** Weights and batches from a fixed seed, on the current backend. */
export function createBenchModel(
  name: BenchModelName,
  { scale = 'full', batchSize, random = createRandom(1) }: BenchModelOptions = {},
): BenchModel {
  const isFull = scale === 'full';
  const size = batchSize ?? (isFull ? benchModels[name] : benchModels[name].small).batchSize;
  switch (name) {
    case 'mlp': {
      const sizes = isFull ? [784, 1000, 1000, 10] : [64, 96, 96, 10];
      return dense(sizes, 'relu', 'softmax-cross-entropy', size, random);
    }
    case 'autoencoder': {
      const sizes = isFull
        ? [784, 1000, 500, 250, 30, 250, 500, 1000, 784]
        : [64, 48, 32, 24, 12, 24, 32, 48, 64];
      return dense(sizes, 'sigmoid', 'sigmoid-cross-entropy', size, random);
    }
    case 'lenet':
      return lenet(size, random);
    case 'vgg':
      return vgg(size, random, isFull ? {} : { channels: 8, side: 16 });
    case 'resnet20':
      return resnet20(size, random, isFull ? {} : { channels: 4, side: 16 });
    case 'resnet18':
      return resnet18(size, random, isFull ? {} : { channels: 8, side: 16 });
    case 'transformer':
      return transformer(size, random, isFull ? {} : { vocabulary: 64, length: 16, width: 32 });
    default:
      return name satisfies never;
  }
}
