/** The cotangents of each kind of Fisher matrix against H_ρ in closed form. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import type { TensorMap } from '@apo/core';
import { relativeError } from '../testing/evidence.js';
import { fisherSource } from './fisher.js';
import type { FisherSource } from './fisher.js';

describe('fisherSource', () => {
  it('exact columns and the covariance of samples are H_ρ, for every distribution', () => {
    const cases: [Parameters<typeof fisherSource>[0]['distribution'], tf.Tensor, number[]][] = [
      // diag(p) − p pᵀ for p = softmax(0, log 2) = (1/3, 2/3).
      ['softmax-kl-logits', tf.tensor2d([[0, Math.log(2)]]), [2 / 9, -2 / 9, -2 / 9, 2 / 9]],
      // diag(1/p).
      ['softmax-kl', tf.tensor2d([[0.25, 0.75]]), [4, 0, 0, 4 / 3]],
      // diag(p (1 − p)).
      ['bernoulli-kl-logits', tf.tensor2d([[0, Math.log(3)]]), [0.25, 0, 0, 3 / 16]],
      // diag(1/(p (1 − p))).
      ['bernoulli-kl', tf.tensor2d([[0.5, 0.25]]), [4, 0, 0, 16 / 3]],
      ['squared-error', tf.tensor2d([[5, -5]]), [1, 0, 0, 1]],
    ];
    const outer = (source: FisherSource, output: tf.Tensor, count: number): number[] => {
      const sum = [0, 0, 0, 0];
      for (const [column] of source.capture.cotangents!([output])) {
        const v = column!.dataSync();
        [0, 1, 2, 3].forEach((k) => (sum[k]! += (v[k >> 1]! * v[k & 1]!) / count));
      }
      return sum;
    };
    for (const [distribution, output, expected] of cases) {
      const common = { distribution, maxExactOutputs: 2 };
      tf.tidy(() => {
        const exact = outer(fisherSource({ ...common, kind: 'exact', samples: 1 }, 0), output, 1);
        expect(relativeError(exact, expected), distribution).toBeLessThan(1e-5);
        const sampled = outer(fisherSource({ ...common, kind: 'sampled', samples: 1500 }, 1), output, 1500);
        expect(relativeError(sampled, expected), distribution).toBeLessThan(0.15);
      });
      output.dispose();
    }
  });

  it('refuses exact columns of too many outputs', () => {
    const source = fisherSource(
      { kind: 'exact', distribution: 'squared-error', samples: 1, maxExactOutputs: 2 },
      0,
    );
    const output: TensorMap[string] = tf.zeros([1, 3]);
    expect(() => source.capture.cotangents!([output])).toThrow(/there are 3 \(maxExactOutputs is 2\)/);
    output.dispose();
  });
});
