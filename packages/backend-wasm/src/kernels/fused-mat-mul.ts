/**
 * _FusedMatMul: product, bias and activation one after the other. The stock kernel saves two cheap passes over the output
 * but always packs the right operand and has only the scalar loop for transposes and batches.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { release, shared } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { runStock } from '../stock.js';
import { batchProduct } from './batch-mat-mul.js';
import type { MatMulAttributes, MatMulInputs } from './batch-mat-mul.js';

interface FusedInputs extends MatMulInputs {
  readonly bias?: tf.TensorInfo;
  readonly preluActivationWeights?: tf.TensorInfo;
}

interface FusedAttributes extends MatMulAttributes {
  readonly activation: string;
  readonly leakyreluAlpha?: number;
}

export const fusedMatMul = defineKernel<FusedInputs, FusedAttributes>(
  '_FusedMatMul',
  ({ inputs, attrs, backend }) => {
    const { a, b, bias, preluActivationWeights } = inputs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') {
      return runStock('_FusedMatMul', { ...inputs }, backend, { ...attrs });
    }
    const product = batchProduct(backend, { a, b }, attrs);
    const sum = bias === undefined ? product : runStock('Add', { a: product, b: bias }, backend);
    if (sum !== product) release(backend, product);
    const output = activate(backend, sum, attrs, preluActivationWeights);
    release(backend, sum);
    return output;
  },
);

/** The activation of `x` as a tensor of its own. */
function activate(
  backend: BackendWasm,
  x: tf.TensorInfo,
  { activation, leakyreluAlpha }: FusedAttributes,
  alpha: tf.TensorInfo | undefined,
): tf.TensorInfo {
  switch (activation) {
    case 'linear':
      return shared(backend, x);
    case 'relu':
      return runStock('Relu', { x }, backend);
    case 'relu6':
      return runStock('Relu6', { x }, backend);
    case 'elu':
      return runStock('Elu', { x }, backend);
    case 'sigmoid':
      return runStock('Sigmoid', { x }, backend);
    case 'leakyrelu':
      return runStock('LeakyRelu', { x }, backend, { alpha: leakyreluAlpha ?? 0 });
    case 'prelu':
      if (alpha !== undefined) return runStock('Prelu', { x, alpha }, backend);
  }
  throw new ApoError(
    'UNSUPPORTED',
    `The fused activation '${activation}' is not known here; apply it as an op of its own.`,
  );
}
