/** The networks of the benchmark on synthetic batches of the right shape: what is measured is time, not learning. */
import { createRandom } from '@apo/core';
import type { Random } from '@apo/core';
import { dense } from './models/dense.js';
import { lenet } from './models/lenet.js';
import type { BenchModel } from './models/parts.js';
import { resnet20 } from './models/resnet.js';
import { transformer } from './models/transformer.js';
import { vgg } from './models/vgg.js';

export type { BenchModel } from './models/parts.js';

export const benchModels = {
  mlp: { title: 'MLP 784-1000-1000-10', batchSize: 100 },
  autoencoder: { title: 'autoencoder 784-1000-500-250-30-250-500-1000-784', batchSize: 512 },
  lenet: { title: 'LeNet', batchSize: 128 },
  vgg: { title: 'small VGG, 32×32', batchSize: 64 },
  resnet20: { title: 'ResNet-20, 32×32', batchSize: 128 },
  transformer: { title: 'Transformer, 2 layers of 128', batchSize: 32 },
} as const;
export type BenchModelName = keyof typeof benchModels;
export const benchModelNames = Object.keys(benchModels) as readonly BenchModelName[];

/** Weights and batches from a fixed seed, on the current backend. */
export function createBenchModel(
  name: BenchModelName,
  batchSize: number = benchModels[name].batchSize,
  random: Random = createRandom(1),
): BenchModel {
  switch (name) {
    case 'mlp':
      return dense([784, 1000, 1000, 10], 'relu', 'softmax-cross-entropy', batchSize, random);
    case 'autoencoder':
      return dense(
        [784, 1000, 500, 250, 30, 250, 500, 1000, 784],
        'sigmoid',
        'sigmoid-cross-entropy',
        batchSize,
        random,
      );
    case 'lenet':
      return lenet(batchSize, random);
    case 'vgg':
      return vgg(batchSize, random);
    case 'resnet20':
      return resnet20(batchSize, random);
    case 'transformer':
      return transformer(batchSize, random);
    default:
      return name satisfies never;
  }
}
