/** The fused product against product, bias and activation in float64, over activations, transposes and batches. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { matrixProduct } from '../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

const activations = {
  linear: (x: number) => x,
  relu: (x: number) => Math.max(0, x),
  relu6: (x: number) => Math.min(6, Math.max(0, x)),
  elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  leakyrelu: (x: number) => (x > 0 ? x : 0.3 * x),
  prelu: (x: number) => (x > 0 ? x : 0.25 * x),
} as const;

describeBuilds('fused matMul', allBuilds, () => {
  for (const [activation, apply] of Object.entries(activations)) {
    it(`${activation}: agrees with the definition, transposed and in batches`, () => {
      const [m, k, n] = [5, 40, 30];
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          for (const batch of [1, 3]) {
            const a = randomValues(batch * m * k, 1);
            const b = randomValues(batch * k * n, 2);
            const bias = randomValues(n, 3);
            const { shape, values } = evaluate(() =>
              tf.fused.matMul({
                a: tf.tensor3d(a, transposeA ? [batch, k, m] : [batch, m, k]),
                b: tf.tensor3d(b, transposeB ? [batch, n, k] : [batch, k, n]),
                transposeA,
                transposeB,
                bias: tf.tensor1d(bias),
                activation: activation as tf.fused.Activation,
                leakyreluAlpha: 0.3,
                ...(activation === 'prelu' ? { preluActivationWeights: tf.fill([n], 0.25) } : {}),
              }),
            );
            expect(shape).toEqual([batch, m, n]);
            for (let i = 0; i < batch; i++) {
              const product = matrixProduct(
                a.subarray(i * m * k, (i + 1) * m * k),
                b.subarray(i * k * n, (i + 1) * k * n),
                m,
                k,
                n,
                transposeA,
                transposeB,
              );
              expectClose(
                values.slice(i * m * n, (i + 1) * m * n),
                product.map((value, at) => apply(value + bias[at % n]!)),
              );
            }
          }
        }
      }
    });
  }

  it('without bias or activation is the product', () => {
    const a = randomValues(6, 4);
    const b = randomValues(12, 5);
    const { values } = evaluate(() =>
      tf.fused.matMul({ a: tf.tensor2d(a, [2, 3]), b: tf.tensor2d(b, [3, 4]) }),
    );
    expectClose(values, matrixProduct(a, b, 2, 3, 4, false, false));
  });

  it('is differentiated with a bias as the unfused ops are', () => {
    const a = randomValues(20, 6);
    const b = randomValues(15, 7);
    const gradients = tf.tidy(() => {
      const f = (w: tf.Tensor, bias: tf.Tensor): tf.Scalar =>
        tf.sum(tf.fused.matMul({ a: tf.tensor2d(a, [4, 5]), b: w, bias }));
      return tf
        .grads(f)([tf.tensor2d(b, [5, 3]), tf.zeros([3])])
        .map((g) => Array.from(g.dataSync()));
    });
    // d Σ(A·W + b)/dW[l, j] = Σᵢ A[i, l], and /db[j] = 4 rows.
    const columnSums = [0, 1, 2, 3, 4].map((l) => a[l]! + a[5 + l]! + a[10 + l]! + a[15 + l]!);
    expectClose(
      gradients[0]!,
      columnSums.flatMap((sum) => [sum, sum, sum]),
    );
    expectClose(gradients[1]!, [4, 4, 4]);
  });
});
