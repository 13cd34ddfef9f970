/** FusedConv2D: convolution, bias and activation one after the other; by the stock kernel where our module is off. */
import type * as tf from '@tensorflow/tfjs-core';
import { biasAndActivation } from '../activation.js';
import type { Activation } from '../activation.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { runStock } from '../stock.js';
import { convolution } from './conv2d.js';
import type { Conv2dInputs } from './conv2d.js';

interface FusedInputs extends Conv2dInputs {
  readonly bias?: tf.TensorInfo;
  readonly preluActivationWeights?: tf.TensorInfo;
}

export const fusedConv2d = defineKernel<FusedInputs, ConvolutionAttributes & Activation>(
  'FusedConv2D',
  ({ inputs, attrs, backend }) => {
    if (nativeFunctions(backend) === undefined) {
      return runStock('FusedConv2D', { ...inputs }, backend, { ...attrs });
    }
    const { x, filter, bias, preluActivationWeights } = inputs;
    const y = convolution(backend, { x, filter }, attrs);
    return biasAndActivation(backend, y, bias, attrs, preluActivationWeights);
  },
);
