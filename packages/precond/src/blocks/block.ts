/** A symmetric positive semi-definite part of P for the variables of one layer: u = P g on their matrix, and its gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Random, TensorMap } from '@apo/core';
import type { LowRankForm, WholeForm } from '../factors/factor.js';
import type { RowsOfLayer } from '../layer-rows.js';

/** ∂/∂φ of ⟨w, P g⟩ by the block's entries, and ⟨w, P g⟩ itself. */
export interface BlockGradient {
  readonly phi: TensorMap;
  readonly inner: tf.Scalar;
}

/** A block whose factors are of low rank, as an engine's own kernels take it. */
export interface LowRankBlock {
  /** The name of S in φ. */
  readonly scale: string;
  readonly columns: LowRankForm;
  readonly rows: LowRankForm;
}

/** A block whose factors are whole matrices or I, likewise. */
export interface WholeBlock {
  /** The name of S in φ. */
  readonly scale: string;
  readonly columns: WholeForm;
  readonly rows: WholeForm;
}

/** Floating-point operations. */
export interface BlockFlops {
  /** Of one `apply`. */
  readonly flops: number;
  /** Of one `gradient`. */
  readonly gradientFlops: number;
}

/** Matrices are `[m, n]`, those of the block's layout. Run inside `tf.tidy`; new tensors belong to the caller. */
export interface Block extends BlockFlops {
  /** As in a table: `rank 16 × full`. */
  readonly label: string;
  /** Numbers in φ. */
  readonly parameters: number;
  /** Entries of φ at the start, such that P = scale · I; the caller owns them. */
  initialPhi(random: Random, scale: number): TensorMap;
  /** P g. */
  apply(phi: TensorMap, g: tf.Tensor2D): tf.Tensor2D;
  /** Of ⟨w, P g⟩ for a cotangent w. */
  gradient(phi: TensorMap, g: tf.Tensor2D, w: tf.Tensor2D): BlockGradient;
  /** ⟨w, P g⟩ alone. */
  inner(phi: TensorMap, g: tf.Tensor2D, w: tf.Tensor2D): tf.Scalar;
  /** Floating-point operations when the gradient is known as a sum over so many rows. Absent: the same. */
  flopsAt?(batchRows: number): BlockFlops;
  /**
   * The same block for the gradient X̄ᵀΔ alone, where that saves operations: it reads the rows and not the g that it is given.
   * `undefined` where it does not. Absent: never.
   */
  atRows?(layer: RowsOfLayer): Block | undefined;
  /** The entry of φ whose elements stay at zero once they are there, if there is one. */
  readonly absorbing?: string;
  /** Where both factors have such a form. */
  readonly lowRank?: LowRankBlock;
  /** Where both factors have such a form, and one of them is not I. */
  readonly whole?: WholeBlock | undefined;
}
