/** Matrix products of given shape. The operands stay the same, so a backend that keeps a packed operand gains by it. */
import { createRandom } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import type { PreparedSteps } from './prepared-steps.js';
import type { ProductSubject } from './subject.js';

export function productSteps({ product, transposeA, transposeB }: ProductSubject): PreparedSteps {
  const [rows, inner, columns] = product;
  const random = createRandom(1);
  const matrix = (height: number, width: number, transposed: boolean): tf.Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: height * width }, () => random.normal()),
      transposed ? [width, height] : [height, width],
    );
  const a = matrix(rows, inner, transposeA);
  const b = matrix(inner, columns, transposeB);
  return {
    step() {
      tf.matMul(a, b, transposeA, transposeB).dispose();
      return undefined;
    },
    dispose: () => tf.dispose([a, b]),
  };
}
