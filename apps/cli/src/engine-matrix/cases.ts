/** Everything that can train or be trained, each as a few steps that every engine must take alike: optimizers, blocks of the preconditioner, networks. */
import { Apo, createRandom } from '@apo/core';
import type { Optimizer, SupervisedBatch } from '@apo/core';
import { precondition } from '@apo/precond';
import type { PartitionOptions } from '@apo/precond';
import * as tf from '@tensorflow/tfjs-core';
import { benchModelNames, createBenchModel } from '../bench/models.js';
import { dense } from '../bench/models/dense.js';
import type { BenchModel } from '../bench/models/parts.js';
import { createOptimizer } from '../optimizers/create.js';
import { baselineNames, optimizerNames, parseOptimizerName, usualRate } from '../optimizers/names.js';
import type { OptimizerName } from '../optimizers/names.js';
import type { OptimizerSettings } from '../optimizers/settings.js';

/** The headings of the table. */
export const groups = ['optimizer', 'block of the preconditioner', 'baseline', 'network'] as const;

export interface EngineCase {
  readonly group: (typeof groups)[number];
  readonly name: string;
  /** Trains on the current backend. @returns The loss of each step, then the mean square of each variable. */
  run(): Promise<number[]>;
}

/** Enough that each has taken meta-steps or inverted its matrices, and used the result. */
const STEPS = 4;

/** Products of more than 128 elements, where they can: for fewer TensorFlow.js has a WebGPU program that a software renderer takes long for. */
const smallNetwork = (): BenchModel =>
  dense([16, 20, 16, 10], 'relu', 'softmax-cross-entropy', 16, createRandom(1));

const blocks = {
  'low rank': { form: 'low-rank', rank: 10 },
  full: { form: 'full' },
  'block-diagonal': { form: 'block', blockSize: 8 },
  diagonal: { form: 'diagonal' },
} as const satisfies Record<string, PartitionOptions>;

const isBaseline = (name: OptimizerName): boolean => baselineNames.some((known) => known === name);

export const engineCases: readonly EngineCase[] = [
  ...optimizerNames.filter((name) => !isBaseline(name)).map((name) => optimizerCase('optimizer', name)),
  ...Object.entries(blocks).map(([name, options]): EngineCase => ({
    group: 'block of the preconditioner',
    name,
    run: () =>
      training(
        smallNetwork,
        ({ objective }) =>
          new Apo(objective, precondition({ ...options, initialScale: 0.1 }), {
            preset: 'paper',
            interval: 2,
          }),
      ),
  })),
  ...optimizerNames.filter(isBaseline).map((name) => optimizerCase('baseline', name)),
  ...benchModelNames.map((name): EngineCase => ({
    group: 'network',
    name,
    run: () =>
      training(
        () => createBenchModel(name, { scale: 'small', batchSize: 2 }),
        ({ objective }) => createOptimizer(objective, { optimizer: 'sgdm', learningRate: 0.01, seed: 1 }),
        2,
      ),
  })),
];

function optimizerCase(group: EngineCase['group'], optimizer: OptimizerName): EngineCase {
  return {
    group,
    name: optimizer,
    run: () => training(smallNetwork, ({ objective }) => createOptimizer(objective, settingsOf(optimizer))),
  };
}

/** Defaults, but for what keeps the steps few and short. */
function settingsOf(optimizer: OptimizerName): OptimizerSettings {
  const { base, adapted } = parseOptimizerName(optimizer);
  const own = { optimizer, seed: 1 };
  if (adapted) return { ...own, preset: 'paper', interval: 2 };
  if (optimizer === 'kfac' || optimizer === 'ekfac')
    return { ...own, inverseInterval: 2, learningRate: 0.05 };
  if (optimizer === 'shampoo') return { ...own, rootInterval: 2, learningRate: 0.05 };
  if (optimizer === 'proximal-point') return { ...own, innerIterations: 2, newtonIterations: 1 };
  if (usualRate(base) === undefined || optimizer === 'natural-gradient')
    return { ...own, innerIterations: 2 };
  return own;
}

async function training(
  makeModel: () => BenchModel,
  makeOptimizer: (model: BenchModel) => Optimizer<SupervisedBatch>,
  steps = STEPS,
): Promise<number[]> {
  const model = makeModel();
  const { objective, batches } = model;
  const optimizer = makeOptimizer(model);
  try {
    const results: number[] = [];
    for (let i = 0; i < steps; i++) {
      const [batch, other] = i % 2 === 0 ? batches : [batches[1], batches[0]];
      await optimizer.prepare?.(batch);
      results.push(await take(optimizer.step(batch, other, { returnLoss: true })!));
    }
    for (const variable of objective.variables) {
      results.push(await take(tf.tidy(() => tf.mean(tf.square(variable)))));
    }
    return results;
  } finally {
    optimizer.dispose();
    model.dispose();
  }
}

async function take(scalar: tf.Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value!;
}
