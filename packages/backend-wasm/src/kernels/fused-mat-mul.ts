/**
 * _FusedMatMul: bias and activation are applied to each part of the product as it is finished, or, where our module is off or they do
 * not belong to columns, after the product. The stock kernel always packs the right operand and has only the scalar loop for
 * transposes and batches.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { biasAndActivation, epilogueOf } from '../activation.js';
import type { Activation } from '../activation.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';
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
      return stockKernels.run('_FusedMatMul', { ...inputs }, backend, { ...attrs });
    }
    if (nativeFunctions(backend) !== undefined) {
      const columns = b.shape[b.shape.length - (attrs.transposeB ? 2 : 1)]!;
      const epilogue = epilogueOf(backend, columns, bias, attrs, preluActivationWeights);
      if (epilogue !== undefined) return batchProduct(backend, { a, b }, attrs, epilogue);
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
