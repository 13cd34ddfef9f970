/**
 * EKFAC's block (George et al. 2018): KFAC's eigenbasis with the second moments of the per-example gradients in it, instead of
 * the products of eigenvalues. Among all diagonal matrices in that basis it is the closest to F in Frobenius norm.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';
import type { Needs } from '../step/needs.js';
import type { CurvatureBlock, Observation, StateValues } from './block.js';
import { eigenbasis, fromMatrix, inEigenbasis, KroneckerBlock, toMatrix } from './kronecker-block.js';
import { exampleGradients, exampleInputs, usesOf } from './layer-rows.js';
import type { KroneckerPlan } from './partition.js';

/** Elements of per-example gradients that are formed at a time. */
const MAX_ELEMENTS = 1 << 22;

export class EigenBlock implements CurvatureBlock {
  readonly averages: readonly string[] = ['A', 'G'];
  readonly stateShapes: Readonly<Record<string, readonly number[]>>;
  private readonly factors: KroneckerBlock;

  constructor(readonly plan: KroneckerPlan) {
    this.factors = new KroneckerBlock(plan, { damping: 'exact', inverse: 'eigen' });
    const { A, G, vectorsA, vectorsG, eigenvalues } = this.factors.stateShapes;
    this.stateShapes = { A: A!, G: G!, vectorsA: vectorsA!, vectorsG: vectorsG!, moments: eigenvalues! };
  }

  statistics(observation: Observation): TensorMap | undefined {
    return this.factors.statistics(observation);
  }

  /** In a new basis the moments start from the products of eigenvalues, which are KFAC's estimate of them. */
  *invert([a, g]: readonly Float32Array[]): Needs<StateValues> {
    const { vectorsA, vectorsG, eigenvalues } = yield* eigenbasis(this.plan, a!, g!);
    return { vectorsA: vectorsA!, vectorsG: vectorsG!, moments: eigenvalues! };
  }

  /** E[(Q_Aᵀ (Σ_t x̄_t δ_tᵀ) Q_Γ)²]: the positions of one example are summed before squaring. */
  project(state: TensorMap, observation: Observation): TensorMap | undefined {
    const uses = usesOf(this.plan, observation);
    if (uses.length === 0) return undefined;
    const { capture, fisher } = observation;
    const { vectorsA, vectorsG } = state as Record<'vectorsA' | 'vectorsG', tf.Tensor2D>;
    const inputs = rotate(exampleInputs(this.plan, uses, capture.examples), vectorsA);
    const perUse = uses.map((use) => fisher.gradients(use));
    const sums = perUse[0]!.map((_, cotangent) => {
      const gradients = perUse.map((list) => list[cotangent]!);
      return squaredProducts(
        inputs,
        rotate(exampleGradients(this.plan, uses, gradients, capture.examples), vectorsG),
      );
    });
    return { moments: tf.mul(tf.addN(sums), fisher.weight(capture)) };
  }

  precondition(state: TensorMap, gradients: TensorMap, damping: number): TensorMap {
    const gradient = toMatrix(this.plan, gradients);
    return fromMatrix(this.plan, inEigenbasis(state, gradient, state['moments']!, damping), gradients);
  }

  quadratic(state: TensorMap, displacement: TensorMap): tf.Scalar {
    const { vectorsA, vectorsG, moments } = state as Record<'vectorsA' | 'vectorsG' | 'moments', tf.Tensor2D>;
    const projected = tf.matMul(
      tf.matMul(vectorsA, toMatrix(this.plan, displacement), true, false),
      vectorsG,
    );
    return tf.sum(tf.mul(moments, tf.square(projected)));
  }
}

/** X Q on the last axis. */
function rotate(rows: tf.Tensor3D, vectors: tf.Tensor2D): tf.Tensor3D {
  const [examples, positions, side] = rows.shape;
  return tf.reshape(tf.matMul(tf.reshape(rows, [-1, side]), vectors), [examples, positions, -1]);
}

/** Σ_n (Σ_t p_nt d_ntᵀ)² `[in, out]`. With one position it is the product of the squares. */
function squaredProducts(p: tf.Tensor3D, d: tf.Tensor3D): tf.Tensor2D {
  const [examples, positions, rows] = p.shape;
  const columns = d.shape[2];
  if (positions === 1) {
    const squares = [p, d].map((t) => tf.square(tf.reshape(t, [examples, t.shape[2]]))) as [
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    return tf.matMul(squares[0], squares[1], true, false);
  }
  const chunk = Math.max(1, Math.floor(MAX_ELEMENTS / (rows * columns)));
  let sum: tf.Tensor2D = tf.zeros([rows, columns]);
  for (let from = 0; from < examples; from += chunk) {
    const count = Math.min(chunk, examples - from);
    sum = tf.tidy(() => {
      const part = (t: tf.Tensor3D): tf.Tensor3D => tf.slice(t, [from, 0, 0], [count, -1, -1]);
      const gradients = tf.matMul(part(p), part(d), true, false);
      return tf.add(sum, tf.sum(tf.square(gradients), 0));
    });
  }
  return sum;
}
