/**
 * KFAC's block F ≈ A ⊗ Γ (Martens & Grosse 2015; convolutions: Grosse & Martens 2016) with its two ways of damping.
 *
 *     A = E[ Σ_t x̄_t x̄_tᵀ ]  [in (+ 1), in (+ 1)]          Γ = E[ 1/T Σ_t δ_t δ_tᵀ ]  [out, out]
 *
 * The sum over the T positions of a convolution (also the uses of a shared weight) is in A, the mean in Γ; with T = 1 it is the
 * dense layer's form. How the two share a constant does not matter: π makes up for it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';
import type { SymmetricEigen } from '../linalg/eigensystem.js';
import { inverseRootFromEigen } from '../linalg/inverse-root.js';
import { decompose, invertAll } from '../step/needs.js';
import type { Needs } from '../step/needs.js';
import type { CurvatureBlock, Observation, StateValues } from './block.js';
import { gradientRows, inputRows, positionsOf, usesOf } from './layer-rows.js';
import { planName } from './partition.js';
import type { KroneckerPlan, MatrixUse } from './partition.js';

export interface KroneckerOptions {
  /** `factored`: (A + π√λ I)⁻¹ ⊗ (Γ + √λ/π I)⁻¹. `exact`: (A ⊗ Γ + λ I)⁻¹, in the eigenbasis. */
  readonly damping: 'factored' | 'exact';
  /** How the factored inverses are computed. */
  readonly inverse: 'cholesky' | 'eigen';
}

export class KroneckerBlock implements CurvatureBlock {
  readonly averages: readonly string[] = ['A', 'G'];
  readonly stateShapes: Readonly<Record<string, readonly number[]>>;

  constructor(
    readonly plan: KroneckerPlan,
    private readonly options: KroneckerOptions,
  ) {
    const [a, g] = [
      [plan.rows, plan.rows],
      [plan.columns, plan.columns],
    ] as const;
    this.stateShapes =
      options.damping === 'factored'
        ? { A: a, G: g, inverseA: a, inverseG: g }
        : { A: a, G: g, vectorsA: a, vectorsG: g, eigenvalues: [plan.rows, plan.columns] };
  }

  statistics(observation: Observation): TensorMap | undefined {
    const uses = usesOf(this.plan, observation);
    if (uses.length === 0) return undefined;
    const { capture, fisher } = observation;
    const positions = uses.reduce((sum, use) => sum + positionsOf(use), 0);
    const weight = (fisher.weight(capture) * capture.examples) / positions;
    const products = uses.flatMap((use) =>
      fisher.gradients(use).map((gradient) => {
        const rows = gradientRows(use, gradient);
        return tf.matMul(rows, rows, true, false);
      }),
    );
    return {
      A: tf.div(tf.addN(uses.map((use) => this.inputMoments(use))), capture.examples),
      G: tf.mul(tf.addN(products), weight),
    };
  }

  /** Σ over rows of x̄ x̄ᵀ, the bias's 1 put beside by its blocks rather than copied into every row. */
  private inputMoments(use: MatrixUse): tf.Tensor {
    const rows = inputRows(use);
    const product = tf.matMul(rows, rows, true, false);
    if (this.plan.bias === undefined) return product;
    const sum = tf.sum(rows, 0, true);
    return tf.concat([
      tf.concat([product, tf.transpose(sum)], 1),
      tf.concat([sum, tf.fill([1, 1], rows.shape[0])], 1),
    ]);
  }

  *invert([a, g]: readonly Float32Array[], damping: number): Needs<StateValues> {
    const { rows, columns } = this.plan;
    const layer = planName(this.plan);
    if (this.options.damping === 'exact') return yield* eigenbasis(this.plan, a!, g!);
    const pi = balance(a!, rows, g!, columns);
    const [dampingA, dampingG] = [pi * Math.sqrt(damping), Math.sqrt(damping) / pi];
    const state = (inverseA: Float64Array, inverseG: Float64Array): StateValues => ({
      inverseA: { values: Float32Array.from(inverseA), shape: [rows, rows] },
      inverseG: { values: Float32Array.from(inverseG), shape: [columns, columns] },
    });
    if (this.options.inverse === 'cholesky') {
      const [inverseA, inverseG] = yield* invertAll([
        { matrix: a!, side: rows, damping: dampingA, layer },
        { matrix: g!, side: columns, damping: dampingG, layer },
      ]);
      return state(inverseA!, inverseG!);
    }
    const [eigenA, eigenG] = yield* decomposeFactors(this.plan, a!, g!);
    return state(
      inverseRootFromEigen(eigenA, 1, { damping: dampingA, layer }),
      inverseRootFromEigen(eigenG, 1, { damping: dampingG, layer }),
    );
  }

  precondition(state: TensorMap, gradients: TensorMap, damping: number): TensorMap {
    const gradient = toMatrix(this.plan, gradients);
    if (this.options.damping === 'exact')
      return fromMatrix(this.plan, inEigenbasis(state, gradient, state['eigenvalues']!, damping), gradients);
    const { inverseA, inverseG } = state as Record<'inverseA' | 'inverseG', tf.Tensor2D>;
    return fromMatrix(this.plan, tf.matMul(tf.matMul(inverseA, gradient), inverseG), gradients);
  }

  quadratic(state: TensorMap, displacement: TensorMap): tf.Scalar {
    const matrix = toMatrix(this.plan, displacement);
    const { A, G } = state as Record<'A' | 'G', tf.Tensor2D>;
    return tf.sum(tf.mul(matrix, tf.matMul(tf.matMul(A, matrix), G)));
  }
}

/** π = √((tr A / dim A) / (tr Γ / dim Γ)) (Martens & Grosse 2015, Sec. 6.3); 1 where a trace is zero. */
export function balance(a: Float32Array, rows: number, g: Float32Array, columns: number): number {
  const ratio = trace(a, rows) / rows / (trace(g, columns) / columns);
  return ratio > 0 && Number.isFinite(ratio) ? Math.sqrt(ratio) : 1;
}

function trace(matrix: Float32Array, side: number): number {
  let sum = 0;
  for (let i = 0; i < side; i++) sum += matrix[i * side + i]!;
  return sum;
}

function* decomposeFactors(
  plan: KroneckerPlan,
  a: Float32Array,
  g: Float32Array,
): Needs<[SymmetricEigen, SymmetricEigen]> {
  const layer = planName(plan);
  const [eigenA, eigenG] = yield* decompose([
    { matrix: a, side: plan.rows, layer },
    { matrix: g, side: plan.columns, layer },
  ]);
  return [positive(eigenA!), positive(eigenG!)];
}

/** Eigenvalues below zero are the rounding of float32 sums, and count as zero. */
function positive({ values, vectors }: SymmetricEigen): SymmetricEigen {
  return { values: values.map((value) => Math.max(value, 0)), vectors };
}

/** Eigenvectors of both factors, and the products λ_A λ_Γᵀ. */
export function* eigenbasis(plan: KroneckerPlan, a: Float32Array, g: Float32Array): Needs<StateValues> {
  const { rows, columns } = plan;
  const [eigenA, eigenG] = yield* decomposeFactors(plan, a, g);
  const eigenvalues = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) eigenvalues[i * columns + j] = eigenA.values[i]! * eigenG.values[j]!;
  return {
    vectorsA: { values: Float32Array.from(eigenA.vectors), shape: [rows, rows] },
    vectorsG: { values: Float32Array.from(eigenG.vectors), shape: [columns, columns] },
    eigenvalues: { values: eigenvalues, shape: [rows, columns] },
  };
}

/** Q_A ((Q_Aᵀ G Q_Γ) / (moments + λ)) Q_Γᵀ. */
export function inEigenbasis(
  state: TensorMap,
  gradient: tf.Tensor2D,
  moments: tf.Tensor,
  damping: number,
): tf.Tensor2D {
  const { vectorsA, vectorsG } = state as Record<'vectorsA' | 'vectorsG', tf.Tensor2D>;
  const projected = tf.matMul(tf.matMul(vectorsA, gradient, true, false), vectorsG);
  const scaled: tf.Tensor2D = tf.div(projected, tf.add(moments, damping));
  return tf.matMul(tf.matMul(vectorsA, scaled), vectorsG, false, true);
}

/** The block's gradients as `[in (+ 1), out]`. */
export function toMatrix(plan: KroneckerPlan, gradients: TensorMap): tf.Tensor2D {
  const { kernel, bias, transposed, rows, columns } = plan;
  const inputs = bias === undefined ? rows : rows - 1;
  const matrix = transposed
    ? tf.transpose(tf.reshape(gradients[kernel]!, [columns, inputs]))
    : tf.reshape(gradients[kernel]!, [inputs, columns]);
  return (
    bias === undefined ? matrix : tf.concat([matrix, tf.reshape(gradients[bias]!, [1, columns])], 0)
  ) as tf.Tensor2D;
}

/** The inverse of `toMatrix`, with the shapes of `like`. */
export function fromMatrix(plan: KroneckerPlan, matrix: tf.Tensor2D, like: TensorMap): TensorMap {
  const { kernel, bias, transposed, rows, columns } = plan;
  const inputs = bias === undefined ? rows : rows - 1;
  const top = bias === undefined ? matrix : tf.slice(matrix, [0, 0], [inputs, columns]);
  const weights = tf.reshape(transposed ? tf.transpose(top) : top, like[kernel]!.shape);
  if (bias === undefined) return { [kernel]: weights };
  return {
    [kernel]: weights,
    [bias]: tf.reshape(tf.slice(matrix, [inputs, 0], [1, columns]), like[bias]!.shape),
  };
}
