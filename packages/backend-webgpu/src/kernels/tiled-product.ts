/** BatchMatMul and _FusedMatMul by our own tiles: transposed factors are read where they lie, bias and activation come before the result is written. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { allocate, sizeOf } from '../compute.js';
import { isHalfPrecision, productProgram, requireHalfPrecision } from '../product-choice.js';
import { multiply } from '../product/product.js';
import type { Operand } from '../product/product.js';

export interface ProductInputs {
  readonly a: tf.TensorInfo;
  readonly b: tf.TensorInfo;
  readonly bias?: tf.TensorInfo | null;
  readonly preluActivationWeights?: tf.TensorInfo | null;
}

export interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation?: string | null;
}

/** Of `x`; NaN stays NaN. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  linear: 'x',
  relu: 'select(x, 0.0, x < 0.0)',
  elu: 'select(x, exp(x) - 1.0, x < 0.0)',
  sigmoid: '1.0 / (1.0 + exp(-x))',
};

/**
 * The product in a new tensor, or `undefined` where TensorFlow.js's program is to run: it is the chosen one or asked for by its flag, or the call has a form that
 * ours has not (other types than float32, batches that differ, a bias that is no row, another activation, no element).
 * @throws ApoError `UNSUPPORTED` for 16-bit factors on a device without `shader-f16`.
 */
export function tiledProduct(
  backend: WebGPUBackend,
  { a, b, bias, preluActivationWeights }: ProductInputs,
  { transposeA, transposeB, activation }: ProductAttributes,
): tf.TensorInfo | undefined {
  const finish = ACTIVATIONS[activation ?? 'linear'];
  if (finish === undefined || preluActivationWeights || a.dtype !== 'float32' || b.dtype !== 'float32')
    return undefined;
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [matricesA, matricesB] = [tf.util.sizeFromShape(batchA), tf.util.sizeFromShape(batchB)];
  if (matricesA > 1 && matricesB > 1 && !tf.util.arraysEqual(batchA, batchB)) return undefined;
  const [rows, inner] = sides(a, transposeA);
  const [, columns] = sides(b, transposeB);
  const batch = Math.max(matricesA, matricesB);
  const size = batch * rows * columns;
  if (size === 0 || inner === 0 || (bias && (sizeOf(bias) !== columns || bias.shape.at(-1) !== columns)))
    return undefined;
  const program = productProgram(backend, size);
  if (program === 'tfjs' || tf.env().getNumber('WEBGPU_MATMUL_PROGRAM_TYPE') >= 0) return undefined;
  const halfPrecision = isHalfPrecision();
  if (halfPrecision) requireHalfPrecision(backend.device);

  const factor = (buffer: string, x: tf.TensorInfo, transposed: boolean, matrices: number): Operand => ({
    buffer,
    stride: x.shape.at(-1)!,
    transposed,
    batchStride: matrices === 1 ? 0 : x.shape.at(-1)! * x.shape.at(-2)!,
  });
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const result = allocate(backend, [...shape, rows, columns]);
  multiply(
    backend,
    {
      key: `matMul ${activation ?? 'linear'}`,
      shape: [batch, rows, columns],
      phases: [
        { inner, pairs: [[factor('a', a, transposeA, matricesA), factor('b', b, transposeB, matricesB)]] },
      ],
      inputs: { a, b, ...(bias && { bias }) },
      outputs: { result },
      finish: `let x = sum0${bias ? ' + get_bias(column)' : ''}; result[at] = ${finish};`,
    },
    { subgroups: program === 'subgroups', halfPrecision },
  );
  return result;
}

/** Rows and columns of the factor as it is multiplied. */
export function sides({ shape }: tf.TensorInfo, transposed: boolean): readonly [number, number] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}
