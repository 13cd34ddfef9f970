/**
 * _FusedMatMul: product, bias and activation one after the other. The stock kernel saves two cheap passes over the output
 * but always packs the right operand and has only the scalar loop for transposes and batches.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { biasAndActivation } from '../activation.js';
import type { Activation } from '../activation.js';
import { defineKernel } from '../kernel.js';
import { runStock } from '../stock.js';
import { batchProduct } from './batch-mat-mul.js';
import type { MatMulAttributes, MatMulInputs } from './batch-mat-mul.js';

interface FusedInputs extends MatMulInputs {
  readonly bias?: tf.TensorInfo;
  readonly preluActivationWeights?: tf.TensorInfo;
}

export const fusedMatMul = defineKernel<FusedInputs, MatMulAttributes & Activation>(
  '_FusedMatMul',
  ({ inputs, attrs, backend }) => {
    const { a, b, bias, preluActivationWeights } = inputs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') {
      return runStock('_FusedMatMul', { ...inputs }, backend, { ...attrs });
    }
    return biasAndActivation(
      backend,
      batchProduct(backend, { a, b }, attrs),
      bias,
      attrs,
      preluActivationWeights,
    );
  },
);
