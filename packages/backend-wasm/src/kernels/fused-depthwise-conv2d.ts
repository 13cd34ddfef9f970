/** FusedDepthwiseConv2D: convolution, bias and activation one after the other; by the stock kernel where our module is off. */
import type * as tf from '@tensorflow/tfjs-core';
import { biasAndActivation } from '../activation.js';
import type { Activation } from '../activation.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';
import { depthwiseConvolution } from './depthwise.js';
import type { DepthwiseInputs } from './depthwise.js';

interface FusedInputs extends DepthwiseInputs {
  readonly bias?: tf.TensorInfo;
  readonly preluActivationWeights?: tf.TensorInfo;
}

export const fusedDepthwiseConv2d = defineKernel<FusedInputs, ConvolutionAttributes & Activation>(
  'FusedDepthwiseConv2D',
  ({ inputs, attrs, backend }) => {
    if (nativeFunctions(backend) === undefined) {
      return stockKernels.run('FusedDepthwiseConv2D', { ...inputs }, backend, { ...attrs });
    }
    const { x, filter, bias, preluActivationWeights } = inputs;
    const y = depthwiseConvolution(backend, { x, filter }, attrs);
    return biasAndActivation(backend, y, bias, attrs, preluActivationWeights);
  },
);
