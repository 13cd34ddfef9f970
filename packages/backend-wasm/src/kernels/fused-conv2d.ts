/**
 * FusedConv2D: bias and activation are applied to each part of the convolution as it is finished, or after it where they do not belong to
 * channels; by the stock kernel where our module is off.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { biasAndActivation, epilogueOf } from '../activation.js';
import type { Activation } from '../activation.js';
import type { ConvolutionAttributes } from '../geometry.js';
import { sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';
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
      return stockKernels.run('FusedConv2D', { ...inputs }, backend, { ...attrs });
    }
    const { x, filter, bias, preluActivationWeights } = inputs;
    const epilogue = epilogueOf(backend, filter.shape[3]!, bias, attrs, preluActivationWeights);
    if (epilogue !== undefined && sizeOf(x.shape) * sizeOf(filter.shape) > 0) {
      return convolution(backend, { x, filter }, attrs, epilogue);
    }
    const y = convolution(backend, { x, filter }, attrs);
    return biasAndActivation(backend, y, bias, attrs, preluActivationWeights);
  },
);
