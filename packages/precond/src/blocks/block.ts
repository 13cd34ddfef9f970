/** A symmetric positive semi-definite part of P for the variables of one layer: u = P g on their matrix, and its gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Random, TensorMap } from '@apo/core';

/** ∂/∂φ of ⟨w, P g⟩ by the block's entries, and ⟨w, P g⟩ itself. */
export interface BlockGradient {
  readonly phi: TensorMap;
  readonly inner: tf.Scalar;
}

/** Matrices are `[m, n]`, those of the block's layout. Run inside `tf.tidy`; new tensors belong to the caller. */
export interface Block {
  /** As in a table: `rank 16 × full`. */
  readonly label: string;
  /** Numbers in φ. */
  readonly parameters: number;
  /** Floating-point operations of one `apply`. */
  readonly flops: number;
  /** Entries of φ at the start, such that P = scale · I; the caller owns them. */
  initialPhi(random: Random, scale: number): TensorMap;
  /** P g. */
  apply(phi: TensorMap, g: tf.Tensor2D): tf.Tensor2D;
  /** Of ⟨w, P g⟩ for a cotangent w. */
  gradient(phi: TensorMap, g: tf.Tensor2D, w: tf.Tensor2D): BlockGradient;
  /** ⟨w, P g⟩ alone. */
  inner(phi: TensorMap, g: tf.Tensor2D, w: tf.Tensor2D): tf.Scalar;
  /** The entry of φ whose elements stay at zero once they are there, if there is one. */
  readonly absorbing?: string;
}
