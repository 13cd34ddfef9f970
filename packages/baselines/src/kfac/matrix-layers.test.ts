/** Kronecker blocks of einsum, transposed convolutions and shared weights, against gradients that are taken one example at a time. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { captureLayers, createObjective, fromLayersModel } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { relativeError } from '../testing/evidence.js';
import { normal } from '../testing/networks.js';
import { EigenBlock } from './eigen-block.js';
import { Ekfac } from './ekfac.js';
import { fisherSource } from './fisher.js';
import { Kfac } from './kfac.js';
import { KroneckerBlock, toMatrix } from './kronecker-block.js';
import { partition } from './partition.js';
import type { KroneckerPlan } from './partition.js';

const EMPIRICAL = fisherSource(
  { kind: 'empirical', distribution: undefined, samples: 1, maxExactOutputs: 1 },
  0,
);

const variable = (shape: number[], seed: number, name: string): tf.Variable =>
  tf.variable(normal(shape, seed), true, `matrix/${name}`);

interface Case {
  readonly name: string;
  readonly variables: () => tf.Variable[];
  readonly inputs: number[];
  readonly predict: (x: tf.Tensor, weights: tf.Tensor[]) => tf.Tensor;
  readonly block: string;
}

const cases: readonly Case[] = [
  {
    name: 'einsum with two output axes and its bias',
    variables: () => [variable([4, 2, 3], 1, 'heads'), variable([2, 3], 2, 'heads/bias')],
    inputs: [3, 5, 4],
    predict: (x, [w, b]) => tf.tanh(tf.add(tf.einsum('abc,cde->abde', x, w!), b!)),
    block: 'dense 5 × 6',
  },
  {
    name: 'einsum whose kernel has the outputs first',
    variables: () => [variable([2, 3, 4], 1, 'back')],
    inputs: [3, 5, 4],
    predict: (x, [w]) => tf.tanh(tf.einsum('abc,dec->abde', x, w!)),
    block: 'dense 4 × 6',
  },
  ...(
    [
      [1, 'same', 3, 4],
      [2, 'same', 6, 8],
      [2, 'valid', 7, 9],
    ] as const
  ).map(([strides, pad, height, width]): Case => ({
    name: `a transposed convolution, strides ${strides}, ${pad}`,
    variables: () => [variable([3, 3, 2, 2], 1, `up${strides}${pad}`)],
    inputs: [3, 3, 4, 2],
    predict: (x, [w]) =>
      tf.tanh(
        tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [x.shape[0], height, width, 2], strides, pad),
      ),
    block: 'transposed-convolution 2 × 18',
  })),
  {
    name: 'a dense layer that is used twice',
    variables: () => [variable([4, 4], 1, 'shared'), variable([4], 2, 'shared/bias')],
    inputs: [3, 4],
    predict: (x, [w, b]) => {
      const layer = (y: tf.Tensor): tf.Tensor =>
        tf.tanh(tf.add(tf.matMul(y as tf.Tensor2D, w as tf.Tensor2D), b!));
      return layer(layer(x));
    },
    block: 'dense 5 × 4',
  },
];

describe('in the basis of the parameters, the moments of EKFAC are mean squares of gradients of single examples', () => {
  it.each(cases)('$name', ({ variables: make, inputs: shape, predict, block }) => {
    const variables = make();
    const weights = variables as tf.Tensor[];
    const inputs = normal(shape, 9);
    const examples = shape[0]!;
    const loss = (x: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.square(predict(x, weights))), 2);
    const objective = createObjective<SupervisedBatch>({
      variables,
      predict: (batch) => predict(batch.inputs, weights),
      loss: (output) => tf.div(tf.sum(tf.square(output as tf.Tensor)), 2 * examples),
    });
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch: { inputs, targets: inputs }, seed: 0 });
      const plans = partition(capture.uses, variables, { unsupported: 'error', maxFactorSide: 64 });
      expect(plans).toHaveLength(1);
      const plan = plans[0] as KroneckerPlan;
      expect(`${plan.layer} ${plan.rows} × ${plan.columns}`).toBe(block);
      const identity = { vectorsA: tf.eye(plan.rows), vectorsG: tf.eye(plan.columns) };
      const { moments } = new EigenBlock(plan).project(identity, { capture, fisher: EMPIRICAL })!;
      const squares = Array.from({ length: examples }, (_, n) => {
        const one = tf.slice(inputs, [n, ...shape.slice(1).map(() => 0)], [1, ...shape.slice(1)]);
        return tf.square(toMatrix(plan, tf.variableGrads(() => loss(one), variables).grads));
      });
      const expected = tf.div(tf.addN(squares), examples);
      expect(relativeError(moments!.dataSync(), expected.dataSync())).toBeLessThan(1e-4);
    });
    tf.dispose([variables, inputs]);
  });
});

describe('the factors of a transposed convolution', () => {
  it('A sums over input positions, Γ averages over them the patches of the output gradient', () => {
    const kernel = variable([3, 2, 2, 3], 1, 'factors');
    const inputs = normal([2, 3, 4, 3], 2);
    const objective = createObjective<SupervisedBatch>({
      variables: [kernel],
      predict: (batch) =>
        tf.conv2dTranspose(
          batch.inputs as tf.Tensor4D,
          kernel as unknown as tf.Tensor4D,
          [2, 6, 8, 2],
          2,
          'same',
        ),
      loss: (output) => tf.div(tf.sum(tf.square(output as tf.Tensor)), 4),
    });
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch: { inputs, targets: inputs }, seed: 0 });
      const [plan] = partition(capture.uses, [kernel], { unsupported: 'error', maxFactorSide: 64 });
      const block = new KroneckerBlock(plan as KroneckerPlan, { damping: 'factored', inverse: 'cholesky' });
      const { A, G } = block.statistics({ capture, fisher: EMPIRICAL })!;
      const x: tf.Tensor2D = tf.reshape(inputs, [-1, 3]);
      expect(relativeError(A!.dataSync(), tf.div(tf.matMul(x, x, true), 2).dataSync())).toBeLessThan(1e-5);
      // J is half of a mean of squares, so δ of an example is its output; patches by a convolution with unit kernels.
      const output = objective.predict({ inputs, targets: inputs }, true) as tf.Tensor4D;
      const units: tf.Tensor4D = tf.reshape(tf.eye(12), [3, 2, 2, 12]);
      const patches: tf.Tensor2D = tf.reshape(tf.conv2d(output, units, 2, 'same'), [-1, 12]);
      const expected = tf.div(tf.matMul(patches, patches, true), 2 * 3 * 4);
      expect(relativeError(G!.dataSync(), expected.dataSync())).toBeLessThan(1e-5);
    });
    tf.dispose([kernel, inputs]);
  });
});

describe('a decoder of tfjs-layers', () => {
  const train = (Optimizer: typeof Kfac | typeof Ekfac): { losses: number[]; table: unknown } => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2dTranspose({
          filters: 2,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          inputShape: [2, 2, 3],
          activation: 'tanh',
          kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }),
        }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3, kernelInitializer: tf.initializers.glorotNormal({ seed: 2 }) }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const batch = { inputs: [normal([4, 2, 2, 3], 1)], targets: [normal([4, 3], 2)] };
    const optimizer = new Optimizer(fromLayersModel(model), {
      learningRate: 0.3,
      damping: 0.1,
      momentum: 0,
      klClip: false,
      distribution: 'squared-error',
      inverseInterval: 1,
    });
    const losses = Array.from({ length: 15 }, () => {
      const loss = optimizer.step(batch, undefined, { returnLoss: true })!;
      const [value] = loss.dataSync();
      loss.dispose();
      return value!;
    });
    const table = optimizer.partition.map(({ variables, layer, block }) => [variables.length, layer, block]);
    optimizer.dispose();
    model.dispose();
    tf.dispose([batch.inputs, batch.targets]);
    return { losses, table };
  };

  it.each([
    ['KFAC', Kfac],
    ['EKFAC', Ekfac],
  ] as const)('%s: the blocks, a falling loss, the same bits twice, nothing left', (_, Optimizer) => {
    const first = train(Optimizer);
    const before = tf.memory().numTensors;
    const second = train(Optimizer);
    expect(tf.memory().numTensors).toBe(before);
    expect(second).toEqual(first);
    expect(first.losses.at(-1)!).toBeLessThan(0.3 * first.losses[0]!);
    expect(first.table).toEqual([
      [1, 'transposed-convolution', expect.stringContaining('3 × 18')],
      [1, 'bias', 'diagonal (gradients of single examples)'],
      [2, 'dense', expect.stringContaining('33 × 3')],
    ]);
  });
});
