import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '@apo/core';
import type { TensorMap } from '@apo/core';
import { runNow } from '../step/needs.js';
import { relativeError } from '../testing/evidence.js';
import { toTensors } from './block-states.js';
import { klShortening } from './kl-clip.js';
import { KroneckerBlock } from './kronecker-block.js';
import type { KroneckerOptions } from './kronecker-block.js';
import type { KroneckerPlan } from './partition.js';

const plan: KroneckerPlan = {
  block: 'kronecker',
  layer: 'dense',
  kernel: 'w',
  transposed: false,
  rows: 2,
  columns: 2,
};
const A = Float32Array.from([2, 1, 1, 2]);
const G = Float32Array.from([1, 0, 0, 7]);

/** The update for the gradient [[1, 2], [3, 4]] in the layout [out, in] of the golden numbers. */
function update(options: KroneckerOptions, damping: number): number[] {
  return tf.tidy(() => {
    const block = new KroneckerBlock(plan, options);
    const state: TensorMap = toTensors(runNow(block.invert([A, G], damping)));
    const gradient = tf.transpose(
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
    );
    return Array.from(tf.transpose(block.precondition(state, { w: gradient }, damping)['w']!).dataSync());
  });
}

describe('KroneckerBlock', () => {
  it('factored damping: π = 1/√2, golden numbers, by Cholesky and by eigenvalues', () => {
    // A + π√λ I = [[2.5, 1], [1, 2.5]], Γ + √λ/π I = diag(2, 8).
    const expected = [1 / 21, 8 / 21, 1 / 12, 1 / 6];
    for (const inverse of ['cholesky', 'eigen'] as const)
      expect(relativeError(update({ damping: 'factored', inverse }, 0.5), expected)).toBeLessThan(1e-6);
  });

  it('exact damping: 1/(λ_A λ_Γ + λ), golden numbers', () => {
    const expected = [0.0952380952, 0.7619047619, 0.096124031, 0.2294573643];
    expect(relativeError(update({ damping: 'exact', inverse: 'eigen' }, 0.5), expected)).toBeLessThan(1e-6);
  });

  it('golden: the KL clip of that update, κ = 1e-3 at η = 0.1', () => {
    // ⟨U, g⟩ = 2.8253, and √(1e-3 / (0.01 · 2.8253)) = 0.18814.
    const product = [1, 2, 3, 4].reduce(
      (sum, g, i) => sum + g * update({ damping: 'exact', inverse: 'eigen' }, 0.5)[i]!,
      0,
    );
    tf.tidy(() => {
      expect(klShortening(tf.scalar(product), 0.1, 1e-3).dataSync()[0]).toBeCloseTo(0.1881358769, 6);
      expect(klShortening(tf.scalar(0), 0.1, 1e-3).dataSync()[0]).toBe(1);
      expect(klShortening(tf.scalar(product), 0, 1e-3).dataSync()[0]).toBe(1);
    });
  });

  it('δᵀFδ is that of the Kronecker product', () => {
    tf.tidy(() => {
      const block = new KroneckerBlock(plan, { damping: 'factored', inverse: 'cholesky' });
      const state = { A: tf.tensor2d(A, [2, 2]), G: tf.tensor2d(G, [2, 2]) };
      const delta = [1, 2, 3, 4];
      let expected = 0;
      for (let i = 0; i < 2; i++)
        for (let j = 0; j < 2; j++)
          for (let k = 0; k < 2; k++)
            for (let l = 0; l < 2; l++)
              expected += delta[2 * i + j]! * A[2 * i + k]! * G[2 * j + l]! * delta[2 * k + l]!;
      expect(block.quadratic(state, { w: tf.tensor2d(delta, [2, 2]) }).dataSync()[0]).toBeCloseTo(
        expected,
        3,
      );
    });
  });

  it('a factor that is not finite is refused with the layer', () => {
    const block = new KroneckerBlock(plan, { damping: 'factored', inverse: 'cholesky' });
    expect(() => runNow(block.invert([Float32Array.from([NaN, 0, 0, 1]), G], 0.5))).toThrow(/Layer 'w'/);
  });
});
