/** One side of a Kronecker-factored preconditioner: a square matrix F, I at the start, as products and gradients; never P itself. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Random, TensorMap } from '@apo/core';

/** A matrix times F (or Fᵀ), with what a gradient can use again. */
export interface Product {
  /** X. */
  readonly source: tf.Tensor2D;
  /** X F, X Fᵀ, F X or Fᵀ X. */
  readonly value: tf.Tensor2D;
  /** Of a low-rank factor: the product of X with its inner side, `[rows, r]` or `[r, columns]`. */
  readonly projection?: tf.Tensor2D;
}

/** One term of ∂/∂F: a product that F took part in, and the matrix it is contracted with. */
export interface GradientTerm {
  readonly product: Product;
  readonly with: tf.Tensor2D;
}

/** F with its entries of φ filled in. Run inside `tf.tidy`; new tensors belong to the caller. */
export interface BoundFactor {
  /** X F for X `[p, k]`. */
  right(x: tf.Tensor2D): Product;
  /** X Fᵀ. */
  rightTransposed(x: tf.Tensor2D): Product;
  /** F X for X `[k, p]`. */
  left(x: tf.Tensor2D): Product;
  /** Fᵀ X. */
  leftTransposed(x: tf.Tensor2D): Product;
  /** Entries for ∂/∂F = Σ Xᵢᵀ M Yᵢ, where the products are `right(Xᵢ)`, Yᵢ is what they are contracted with and M is `between`. */
  columnGradient(terms: readonly GradientTerm[], between: BoundFactor): TensorMap;
  /** Entries for ∂/∂F = Σ Xᵢ Yᵢᵀ, where the products are `leftTransposed(Xᵢ)`. */
  rowGradient(terms: readonly GradientTerm[]): TensorMap;
}

/** F as I + U Vᵀ with U, V `[k, r]` and a small r: how an engine's own kernels take it. */
export interface LowRankForm {
  /** r of a factor that is made of U and V; absent where it is I or a whole matrix. */
  readonly rank?: number;
  /** `undefined` for F = I. */
  of(phi: TensorMap): { readonly u: tf.Tensor2D; readonly v: tf.Tensor2D } | undefined;
  /** The factor's entries of a gradient from those by U and by V, which are absent for F = I. */
  gradient(u: tf.Tensor | undefined, v: tf.Tensor | undefined): TensorMap;
}

/** F as an engine's own kernels for whole matrices take it. */
export interface WholeForm {
  /** The name of F in φ; absent for F = I. */
  readonly entry?: string;
}

export interface Factor {
  /** As in a table: `rank 16`, `full`, `blocks of 61`, `identity`. */
  readonly label: string;
  /** Numbers in φ. */
  readonly parameters: number;
  /** Floating-point operations of one product with a matrix whose other side is `width` long. */
  flops(width: number): number;
  /** Floating-point operations of `columnGradient` with two terms, matrices of `rows` rows and `between` of their side. */
  columnGradientFlops(rows: number, between: Factor): number;
  /** Floating-point operations of `rowGradient` with two terms and matrices of `columns` columns. */
  rowGradientFlops(columns: number): number;
  /** Its entries of φ, such that F = I; the caller owns them. */
  initialPhi(random: Random): TensorMap;
  bind(phi: TensorMap): BoundFactor;
  /** Where F has such a form. */
  readonly lowRank?: LowRankForm;
  readonly whole?: WholeForm;
}
