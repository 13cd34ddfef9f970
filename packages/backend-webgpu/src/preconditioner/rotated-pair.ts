/**
 * The middle of a preconditioner's vector–Jacobian product: from R = BᵀGA and Q = BᵀWA, two sums of one product, ∂/∂S = 2 S⊙R⊙Q, T = S⊙S⊙R and N = S⊙S⊙Q, and the
 * pieces of ⟨T, Q⟩, before either of R and Q is written.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { multiply, workgroupsOf } from '../product/product.js';
import type { Product } from '../product/product.js';

export interface PairProduct extends Pick<Product, 'phases' | 'inputs'> {
  readonly shape: readonly [m: number, n: number];
  /** WGSL for a number of R and of Q. */
  readonly r: string;
  readonly q: string;
  /** S. */
  readonly scale: tf.TensorInfo;
  /** Where ∂/∂S goes. */
  readonly byScale: tf.TensorInfo;
}

export interface RotatedPair {
  /** T, then N, then the pieces of ⟨T, Q⟩, `groups` of them from `totals` on. */
  readonly pair: tf.TensorInfo;
  readonly totals: number;
  readonly groups: number;
}

export function rotatedPair(
  backend: WebGPUBackend,
  temporary: (size: number) => tf.TensorInfo,
  { shape: [m, n], phases, inputs, r, q, scale, byScale }: PairProduct,
): RotatedPair {
  const result = { shape: [1, m, n], sums: 2 } as const;
  const groups = workgroupsOf(backend, result);
  const totals = 2 * m * n;
  // A multiple of four numbers, so that T and N can be read in fours.
  const pair = temporary(4 * Math.ceil((totals + groups) / 4));
  multiply(backend, {
    ...result,
    key: `pair ${r} ${q}`,
    phases,
    inputs: { ...inputs, scale },
    outputs: { byScale, pair },
    finish: `
  let r = ${r};
  let q = ${q};
  let s = get_scale(at);
  let product = s * r * q;
  byScale[at] = 2.0 * product;
  pair[at] = s * s * r;
  pair[at + u32(uniforms.rows) * u32(uniforms.columns)] = s * s * q;
  total = total + s * product;`,
    totals: { output: 'pair', offset: totals },
  });
  return { pair, totals, groups };
}
