/** Which block each variable gets, and the table that says so. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { captureLayers, createObjective, fromLayersModel } from '@apo/core';
import { normal } from '../testing/networks.js';
import { Kfac } from './kfac.js';
import { formatPartition, partition, partitionRows } from './partition.js';

describe('partition', () => {
  it('of a model of tfjs-layers: every variable once, the table says how', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [6, 6, 2], name: 'conv' }),
        tf.layers.batchNormalization({ name: 'norm' }),
        tf.layers.depthwiseConv2d({ kernelSize: 2, name: 'depth' }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 4, useBias: false, name: 'head' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const objective = fromLayersModel(model);
    const batch = { inputs: [normal([2, 6, 6, 2], 1)], targets: [normal([2, 4], 2)] };
    const optimizer = new Kfac(objective, { distribution: 'squared-error' });
    optimizer.step(batch);
    optimizer.step(batch);
    expect(
      optimizer.partition.map(({ variables, layer, block }) => [variables.length, layer, block]),
    ).toEqual([
      [2, 'convolution', 'Kronecker 19 × 3'],
      [1, 'scale', 'diagonal (gradients of single examples)'],
      [1, 'shift', 'diagonal (gradients of single examples)'],
      [1, 'depthwise', 'diagonal (gradients of single examples)'],
      [1, 'bias', 'diagonal (gradients of single examples)'],
      [1, 'dense', 'Kronecker 27 × 4'],
    ]);
    expect(formatPartition(optimizer.partition).split('\n')).toHaveLength(7);
    const total = optimizer.partition.reduce((sum, { parameters }) => sum + parameters, 0);
    expect(total).toBe(model.countParams() - 6);
    optimizer.dispose();
    model.dispose();
    tf.dispose([batch.inputs, batch.targets]);
  });

  it('shared and tied weights, biases that serve two kernels, sides that are too long', () => {
    const variable = (shape: number[], name: string): tf.Variable =>
      tf.variable(tf.ones(shape), true, `tied/${name}`);
    const variables = [
      variable([3, 3], 'shared'),
      variable([3], 'bias'),
      variable([3, 3], 'other'),
      variable([3, 4], 'tied'),
    ];
    const [shared, bias, other, tied] = variables as unknown as tf.Tensor2D[];
    const objective = createObjective({
      variables,
      predict: ({ inputs }) => {
        const layer = (x: tf.Tensor, w: tf.Tensor2D): tf.Tensor =>
          tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, w), bias!));
        const y = layer(layer(layer(inputs, shared!), shared!), other!) as tf.Tensor2D;
        return tf.matMul(tf.tanh(tf.matMul(y, tied!)), tied!, false, true);
      },
      loss: 'squared-error',
    });
    const batch = { inputs: normal([2, 3], 1), targets: normal([2, 3], 2) };
    tf.tidy(() => {
      const { uses } = captureLayers(objective, { batch, seed: 0 });
      const strict = { unsupported: 'error', maxFactorSide: 64 } as const;
      expect(() => partition(uses, variables, strict)).toThrow(
        /"tied\/tied" \[3, 4\]: used both as it is and transposed/,
      );
      const plans = partition(uses, variables.slice(0, 3), strict);
      expect(
        partitionRows(plans, variables, 'Kronecker').map(({ variables: names, block }) => [names, block]),
      ).toEqual([
        [['tied/shared'], 'Kronecker 3 × 3'],
        [['tied/bias'], 'diagonal (gradients of single examples)'],
        [['tied/other'], 'Kronecker 3 × 3'],
      ]);
      expect(() => partition(uses, variables.slice(0, 1), { ...strict, maxFactorSide: 2 })).toThrow(
        /a side of 3, and maxFactorSide is 2/,
      );
      expect(partition(uses, variables, { ...strict, unsupported: 'diagonal' }).at(-1)).toMatchObject({
        source: 'batch',
      });
    });
    tf.dispose([variables, batch.inputs, batch.targets]);
  });
});
