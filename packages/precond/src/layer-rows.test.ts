import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { captureLayers, createObjective, l2 } from '@apo/core';
import type { Objective, SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { freshPrefix, leaked, normalTensor, testVariable, values } from '../test/tensors.js';
import { layerRows } from './layer-rows.js';
import { partitionBlocks } from './partition.js';

interface Network {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** `of` gives the variable by its name. */
  readonly predict: (x: tf.Tensor, of: (name: string) => tf.Tensor) => tf.Tensor;
  readonly input: readonly number[];
  readonly regularized?: readonly string[];
}

const matMul = (a: tf.Tensor, b: tf.Tensor, transposeB = false): tf.Tensor =>
  tf.matMul(a, b, false, transposeB);

/** For every block, the largest error of X̄ᵀΔ against the gradient relative to the gradient's largest element; `none` without rows. */
function errors({ shapes, predict, input, regularized = [] }: Network): Record<string, number | 'none'> {
  const at = freshPrefix();
  const variables = Object.entries(shapes).map(([name, shape], i) =>
    testVariable(shape, `${at}${name}`, 31 + i),
  );
  const of = (name: string): tf.Variable => variables.find((variable) => variable.name === `${at}${name}`)!;
  const x = normalTensor(input, 5);
  const objective: Objective<SupervisedBatch> = createObjective<SupervisedBatch>({
    variables,
    predict: ({ inputs }) => predict(inputs, of),
    loss: (outputs) => tf.mean(tf.square(outputs as tf.Tensor)),
    ...(regularized.length > 0 && { regularizer: l2(regularized.map(of), 0.1) }),
  });
  const found = tf.tidy(() => {
    const batch = { inputs: x, targets: x };
    const { gradients, uses } = captureLayers(objective, { batch, seed: 1 }, { wholeObjective: true });
    return partitionBlocks(variables, { form: 'full' }).map(({ name, layout }): [string, number | 'none'] => {
      const layer = layerRows(layout, uses);
      if (layer === undefined) return [name.slice(at.length), 'none'];
      const expected = values(layout.toMatrix(gradients));
      const { inputs, outputs } = layer.rows();
      expect([inputs.shape[0], outputs.shape[0]]).toEqual([layer.count, layer.count]);
      const actual = values(tf.matMul(inputs, outputs, true));
      const size = Math.max(...expected.map(Math.abs));
      return [
        name.slice(at.length),
        Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!))) / size,
      ];
    });
  });
  tf.dispose([variables, x]);
  return Object.fromEntries(found);
}

const dense = { 'a/kernel': [4, 6], 'a/bias': [6] };

describe('layerRows gives the gradient of', () => {
  it.each<[string, Network]>([
    [
      'a dense layer with a bias and one without',
      {
        shapes: { ...dense, 'b/kernel': [6, 3] },
        input: [5, 4],
        predict: (x, of) => matMul(tf.tanh(tf.add(matMul(x, of('a/kernel')), of('a/bias'))), of('b/kernel')),
      },
    ],
    [
      'a kernel that is multiplied transposed',
      {
        shapes: { 'a/kernel': [6, 4] },
        input: [5, 4],
        predict: (x, of) => tf.tanh(matMul(x, of('a/kernel'), true)),
      },
    ],
    [
      'a layer on every position of a sequence',
      {
        shapes: dense,
        input: [2, 3, 4],
        predict: (x, of) => tf.tanh(tf.add(matMul(tf.reshape(x, [6, 4]), of('a/kernel')), of('a/bias'))),
      },
    ],
    [
      'weights that an encoder and a decoder share, with the bias in the encoder alone',
      {
        shapes: dense,
        input: [5, 4],
        predict: (x, of) =>
          matMul(tf.tanh(tf.add(matMul(x, of('a/kernel')), of('a/bias'))), of('a/kernel'), true),
      },
    ],
    [
      'a layer that is used twice, with the bias both times',
      {
        shapes: { 'a/kernel': [4, 4], 'a/bias': [4] },
        input: [5, 4],
        predict: (x, of) => {
          const layer = (y: tf.Tensor): tf.Tensor => tf.tanh(tf.add(matMul(y, of('a/kernel')), of('a/bias')));
          return layer(layer(x));
        },
      },
    ],
    [
      'query projections [d, heads, dh]',
      {
        shapes: { 'query/kernel': [4, 2, 3] },
        input: [5, 4],
        predict: (x, of) => tf.tanh(matMul(x, tf.reshape(of('query/kernel'), [4, 6]))),
      },
    ],
  ])('%s', (_, network) => {
    const found = Object.values(errors(network));
    expect(found.length).toBeGreaterThan(0);
    for (const error of found) expect(error).toBeLessThan(2e-6);
  });
});

describe('layerRows gives nothing for', () => {
  it.each<[string, Network]>([
    [
      'a regularised kernel',
      {
        shapes: dense,
        input: [5, 4],
        regularized: ['a/kernel'],
        predict: (x, of) => tf.add(matMul(x, of('a/kernel')), of('a/bias')),
      },
    ],
    [
      'a regularised bias',
      {
        shapes: dense,
        input: [5, 4],
        regularized: ['a/bias'],
        predict: (x, of) => tf.add(matMul(x, of('a/kernel')), of('a/bias')),
      },
    ],
    [
      'a kernel that is used otherwise, too',
      {
        shapes: dense,
        input: [5, 4],
        predict: (x, of) =>
          tf.mul(tf.add(matMul(x, of('a/kernel')), of('a/bias')), tf.sum(tf.square(of('a/kernel')))),
      },
    ],
    [
      'a bias that is used otherwise, too',
      {
        shapes: dense,
        input: [5, 4],
        predict: (x, of) => tf.mul(of('a/bias'), tf.tanh(tf.add(matMul(x, of('a/kernel')), of('a/bias')))),
      },
    ],
    [
      'a kernel in another form than its block',
      {
        shapes: { 'a/kernel': [4, 6] },
        input: [5, 8],
        predict: (x, of) => tf.tanh(matMul(x, tf.reshape(of('a/kernel'), [8, 3]))),
      },
    ],
    [
      'a convolution',
      {
        shapes: { 'conv/kernel': [2, 2, 3, 5], 'conv/bias': [5] },
        input: [2, 4, 4, 3],
        predict: (x, of) =>
          tf.add(tf.conv2d(x as tf.Tensor4D, of('conv/kernel') as tf.Tensor4D, 1, 'valid'), of('conv/bias')),
      },
    ],
  ])('%s', (_, network) => {
    expect(Object.values(errors(network))).toEqual(['none']);
  });
});

it('a layer that is not used has no rows, beside one that has', () => {
  const found = errors({
    shapes: { 'a/kernel': [4, 6], 'b/kernel': [6, 3] },
    input: [5, 4],
    predict: (x, of) => tf.tanh(matMul(x, of('a/kernel'))),
  });
  expect(found['a/kernel']).toBeLessThan(2e-6);
  expect(found['b/kernel']).toBe('none');
});

it('leaves no tensor behind, and gives the same bits again', async () => {
  const network: Network = {
    shapes: dense,
    input: [5, 4],
    predict: (x, of) =>
      matMul(tf.tanh(tf.add(matMul(x, of('a/kernel')), of('a/bias'))), of('a/kernel'), true),
  };
  const found: unknown[] = [];
  expect(await leaked(() => void found.push(errors(network), errors(network)))).toBe(0);
  expect(found[0]).toEqual(found[1]);
});
