/** Contractions by einsum and transposed convolutions as captured layers: their inputs and output gradients make up the gradient. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '#gradients';
import { describe, expect, it } from 'vitest';
import { captureLayers, createObjective, createRandom } from './index.js';
import type { LayerUse, SupervisedBatch } from './index.js';

const random = createRandom(7);
const normal = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );

function usesOf(
  variables: tf.Variable[],
  inputs: tf.Tensor,
  predict: (x: tf.Tensor) => tf.Tensor,
): { uses: readonly LayerUse[]; gradients: Readonly<Record<string, tf.Tensor>> } {
  const objective = createObjective<SupervisedBatch>({
    variables,
    predict: (batch) => predict(batch.inputs),
    loss: (output) => tf.mean(tf.square(tf.tanh(output as tf.Tensor))),
  });
  return captureLayers(objective, { batch: { inputs, targets: inputs }, seed: 0 });
}

function expectClose(actual: tf.Tensor, expected: tf.Tensor): void {
  expect(tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0]).toBeLessThan(1e-6);
}

describe('einsum with a variable', () => {
  it.each([
    // kernel as [in, out] or [out, in]
    ['ab,bc->ac', [4, 3], [3, 2], [3, 2], false],
    ['ab,cb->ac', [4, 3], [2, 3], [3, 2], true],
    // heads: one input axis, two of outputs, and back
    ['abc,cde->abde', [2, 3, 4], [4, 2, 3], [4, 6], false],
    ['abde,dec->abc', [2, 3, 2, 3], [2, 3, 4], [6, 4], false],
    // rows in another order than in the data
    ['abc,cd->bad', [2, 3, 4], [4, 2], [4, 2], false],
    // no output axis of its own
    ['ab,b->a', [4, 3], [3], [3, 1], false],
  ] as const)('%s is a matrix product', (equation, dataShape, kernelShape, matrixShape, transposed) => {
    const kernel = tf.variable(normal(...kernelShape), true, `einsum/${equation}`);
    const inputs = normal(...dataShape);
    tf.tidy(() => {
      const { uses, gradients } = usesOf([kernel], inputs, (x) => tf.einsum(equation, x, kernel));
      expect(uses).toHaveLength(1);
      expect(uses[0]).toMatchObject({ kind: 'dense', kernel: kernel.name, matrixShape, transposed });
      const { inputs: rows, outputGradients } = uses[0] as Extract<LayerUse, { kind: 'dense' }>;
      const product = tf.matMul(rows, tf.reshape(outputGradients, [-1, matrixShape[1]]), true);
      const gradient = transposed ? tf.transpose(product) : product;
      expectClose(tf.reshape(gradient, [...kernelShape]), gradients[kernel.name]!);
    });
    tf.dispose([kernel, inputs]);
  });

  it('on the left is the same', () => {
    const kernel = tf.variable(normal(3, 2), true, 'einsum/left');
    const inputs = normal(4, 3);
    tf.tidy(() => {
      const { uses } = usesOf([kernel], inputs, (x) => tf.einsum('bc,ab->ac', kernel, x));
      expect(uses).toMatchObject([{ kind: 'dense', matrixShape: [3, 2], transposed: false }]);
    });
    tf.dispose([kernel, inputs]);
  });

  it('has the bias of its output vectors, whose axes are several', () => {
    const kernel = tf.variable(normal(4, 2, 3), true, 'einsum/kernel');
    const bias = tf.variable(normal(2, 3), true, 'einsum/bias');
    const row = tf.variable(normal(3), true, 'einsum/row');
    const inputs = normal(2, 5, 4);
    tf.tidy(() => {
      const { uses } = usesOf([kernel, bias, row], inputs, (x) => {
        const y = tf.einsum('abc,cde->abde', x, kernel);
        return tf.add(tf.tanh(tf.add(y, bias as tf.Tensor)), row);
      });
      expect(uses).toMatchObject([
        { kind: 'dense', bias: bias.name },
        { kind: 'shift', variable: row.name },
      ]);
      // Of the last axis alone it is no bias of the layer.
      const other = usesOf([kernel, row], inputs, (x) =>
        tf.add(tf.einsum('abc,cde->abde', x, kernel as tf.Tensor), row),
      );
      expect(other.uses[0]).not.toHaveProperty('bias');
      expect(other.uses[1]).toMatchObject({ kind: 'shift', variable: row.name });
    });
    tf.dispose([kernel, bias, row, inputs]);
  });

  it.each([
    // a matrix for each example
    ['ab,abc->ac', [4, 3], [4, 3, 2]],
    // an axis of the data that is summed away
    ['abd,bc->ac', [4, 3, 2], [3, 2]],
    // an axis of the kernel that is summed away
    ['ab,bcd->ac', [4, 3], [3, 2, 2]],
    // the kernel's axes between those of the data
    ['abc,cd->adb', [2, 3, 4], [4, 2]],
  ] as const)('%s is none', (equation, dataShape, kernelShape) => {
    const kernel = tf.variable(normal(...kernelShape), true, `no-product/${equation}`);
    const inputs = normal(...dataShape);
    tf.tidy(() => {
      const { uses } = usesOf([kernel], inputs, (x) => tf.einsum(equation, x, kernel));
      expect(uses).toEqual([{ kind: 'other', variable: kernel.name, kernelName: 'Einsum' }]);
    });
    tf.dispose([kernel, inputs]);
  });
});

describe('transposed convolutions', () => {
  it.each([
    [1, 'same', [3, 4]],
    [2, 'same', [6, 8]],
    [2, 'valid', [7, 9]],
  ] as const)('strides %s, %s: image, output gradient and geometry', (strides, pad, [height, width]) => {
    const kernel = tf.variable(normal(3, 3, 2, 5), true, `up/${strides}${pad}`);
    const bias = tf.variable(normal(2), true, `up/${strides}${pad}/bias`);
    const inputs = normal(2, 3, 4, 5);
    tf.tidy(() => {
      const { uses, gradients } = usesOf([kernel, bias], inputs, (x) =>
        tf.add(
          tf.conv2dTranspose(x as tf.Tensor4D, kernel as tf.Tensor4D, [2, height, width, 2], strides, pad),
          bias,
        ),
      );
      expect(uses).toHaveLength(1);
      expect(uses[0]).toMatchObject({
        kind: 'transposed-convolution',
        kernel: kernel.name,
        bias: bias.name,
        geometry: { kernelSize: [3, 3], strides: [strides, strides], outputSize: [3, 4] },
      });
      const use = uses[0] as Extract<LayerUse, { kind: 'transposed-convolution' }>;
      expectClose(use.inputs, inputs);
      // ⟨x ⋆ᵀ W, Δ⟩ = ⟨x, Δ ⋆ W⟩: its gradient in W is that of a convolution of Δ, with x in the place of the gradient there.
      const [, expected] = tf.grads((image, w) =>
        tf.conv2d(image as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
      )([use.outputGradients, kernel], use.inputs);
      expectClose(expected!, gradients[kernel.name]!);
    });
    tf.dispose([kernel, bias, inputs]);
  });

  it('leave nothing behind, and give the same bits twice', () => {
    const kernel = tf.variable(normal(2, 2, 1, 3), true, 'up/again');
    const inputs = normal(1, 2, 2, 3);
    const once = (): number[] =>
      tf.tidy(() => {
        const { uses } = usesOf([kernel], inputs, (x) =>
          tf.conv2dTranspose(x as tf.Tensor4D, kernel as tf.Tensor4D, [1, 4, 4, 1], 2, 'same'),
        );
        return [
          ...(uses[0] as Extract<LayerUse, { kind: 'transposed-convolution' }>).outputGradients.dataSync(),
        ];
      });
    const before = tf.memory().numTensors;
    expect(once()).toEqual(once());
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([kernel, inputs]);
  });
});
