/** The dilated depthwise convolution against central differences and `tf.depthwiseConv2d`, on whatever engine the tests run. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { dilatedDepthwiseConv2d } from '../index.js';
import { numericalGradients, uniformTensor, values } from '../../test/numeric.js';
import type { DilatedDepthwiseOptions } from './dilated-depthwise.js';

const explicit: tf.backend_util.ExplicitPadding = [
  [0, 0],
  [1, 2],
  [0, 3],
  [0, 0],
];
const x = (): tf.Tensor4D => uniformTensor([2, 7, 8, 3], 12) as tf.Tensor4D;
const filter = (): tf.Tensor4D => uniformTensor([3, 2, 3, 2], 13) as tf.Tensor4D;

describe.each([
  { dilations: [2, 3] },
  { dilations: [1, 2], pad: 'valid' },
  { dilations: [1, 1], pad: 'valid' },
  { dilations: [2, 2], pad: explicit },
] satisfies DilatedDepthwiseOptions[])('dilatedDepthwiseConv2d of %o', (options: DilatedDepthwiseOptions) => {
  it('has the value of tf.depthwiseConv2d, the same bits every time, and leaves nothing behind', () => {
    const inputs = [x(), filter()] as const;
    const tensors = tf.memory().numTensors;
    tf.tidy(() => {
      const own = values(dilatedDepthwiseConv2d(...inputs, options));
      expect(own).toEqual(values(dilatedDepthwiseConv2d(...inputs, options)));
      const { pad = 'same', dilations } = options;
      expect(own).toEqual(values(tf.depthwiseConv2d(...inputs, 1, pad, 'NHWC', [...dilations])));
    });
    expect(tf.memory().numTensors).toBe(tensors);
    tf.dispose([...inputs]);
  });

  it('has a gradient in both inputs', () => {
    const inputs = [x(), filter()];
    const tensors = tf.memory().numTensors;
    tf.tidy(() => {
      const op = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        dilatedDepthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, options);
      const weights = uniformTensor(op(inputs[0]!, inputs[1]!).shape, 99);
      const scalar = (...t: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(op(t[0]!, t[1]!), weights));
      const gradients = tf.grads(scalar)(inputs).map(values);
      // Linear in each input, so the difference quotient is exact up to rounding.
      numericalGradients(scalar, inputs, 0.5).forEach((row, i) => {
        row.forEach((value, j) => expect(gradients[i]![j]).toBeCloseTo(value, 3));
      });
    });
    expect(tf.memory().numTensors).toBe(tensors);
    tf.dispose(inputs);
  });
});

it("tf.depthwiseConv2d itself refuses its gradient under dilation, as tfjs-core's tests demand", () => {
  tf.tidy(() => {
    const gradient = tf.grad((input: tf.Tensor) =>
      tf.depthwiseConv2d(input as tf.Tensor4D, filter(), 1, 'valid', 'NHWC', 2),
    );
    expect(() => gradient(x())).toThrow(/dilation rates greater than 1 are not yet supported/);
  });
});

it('refuses shapes and dilations that cannot be', () => {
  tf.tidy(() => {
    const wrong = uniformTensor([3, 2, 4, 2], 1) as tf.Tensor4D;
    expect(() => dilatedDepthwiseConv2d(x(), wrong, { dilations: [2, 2] })).toThrow(
      /x \[2,7,8,3\] and filter/,
    );
    for (const dilations of [
      [0, 1],
      [1, 1.5],
    ] as const)
      expect(() => dilatedDepthwiseConv2d(x(), filter(), { dilations })).toThrow(/two whole numbers ≥ 1/);
  });
});
