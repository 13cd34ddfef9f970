/**
 * BatchMatMul and _FusedMatMul: by our own tiles where they are chosen, else by the stock kernel without its split products, which are wrong for a
 * transposed second factor (it is read in fours along the wrong side) and add atomically, in any order.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { isDeterministic } from '../determinism.js';
import { defineKernel } from '../kernel.js';
import type { TrainingKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';
import { sides, tiledProduct } from './tiled-product.js';
import type { ProductAttributes, ProductInputs } from './tiled-product.js';

const PROGRAM_TYPE = 'WEBGPU_MATMUL_PROGRAM_TYPE';
/** Numbers of TensorFlow.js's programs for that flag. */
const SPLIT = 1;
const SMALL_OUTPUT = 2;

export const matrixProducts: readonly TrainingKernel[] = [tf.BatchMatMul, tf._FusedMatMul].map((kernelName) =>
  defineKernel<ProductInputs, ProductAttributes>(kernelName, ({ inputs, attrs, backend }) => {
    const tiled = tiledProduct(backend, inputs, attrs);
    if (tiled !== undefined) return tiled;
    const product = (given: ProductInputs, transposeB: boolean): tf.TensorInfo =>
      stockKernels.run(kernelName, present(given), backend, { ...attrs, transposeB });
    if (!isSplit(backend, inputs, attrs)) return product(inputs, attrs.transposeB);
    if (isDeterministic()) return unsplit(() => product(inputs, attrs.transposeB));
    if (!attrs.transposeB) return product(inputs, false);
    const rank = inputs.b.shape.length;
    const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
    const b = stockKernels.run(tf.Transpose, { x: inputs.b }, backend, { perm });
    const output = product({ ...inputs, b }, false);
    backend.disposeData(b.dataId);
    return output;
  }),
);

/** As TensorFlow.js decides it: one product with a long inner side and few tiles of 32 × 32. */
function isSplit(
  backend: WebGPUBackend,
  { a, b }: ProductInputs,
  { transposeA, transposeB }: ProductAttributes,
): boolean {
  const chosen = tf.env().getNumber(PROGRAM_TYPE);
  if (chosen >= 0) return chosen === SPLIT;
  const batch = Math.max(matrices(a), matrices(b));
  const [rows, inner] = sides(a, transposeA);
  const [, columns] = sides(b, transposeB);
  const flag = tf.env().getNumber('WEBGPU_THRESHOLD_TO_INCREASE_WORKGROUPS_FOR_MATMUL');
  const few = flag > 0 ? flag : backend.thresholdToIncreaseWorkgroups;
  const tiles = Math.ceil(rows / 32) * Math.ceil(columns / 32);
  return (
    batch === 1 && inner >= 2000 && rows * columns > 128 && (tiles <= few || (rows <= 8 && tiles <= 2 * few))
  );
}

function unsplit<T>(body: () => T): T {
  const chosen = tf.env().getNumber(PROGRAM_TYPE);
  tf.env().set(PROGRAM_TYPE, SMALL_OUTPUT);
  try {
    return body();
  } finally {
    tf.env().set(PROGRAM_TYPE, chosen);
  }
}

function matrices({ shape }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape.slice(0, -2));
}

/** The ops of tfjs-core also name inputs that are not there. */
function present(inputs: ProductInputs): Record<string, tf.TensorInfo> {
  const entries = Object.entries(inputs) as [string, tf.TensorInfo | null | undefined][];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, tf.TensorInfo] => entry[1] !== undefined && entry[1] !== null),
  );
}
