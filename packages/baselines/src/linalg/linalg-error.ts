/** The typed error of a matrix that a factorisation cannot work with; it can carry the layer the matrix belongs to. */
import { ApoError } from '@apo/core';
import type { ApoErrorCode } from '@apo/core';

export type LinalgReason =
  /** An entry, or a result too large for float64, is NaN or infinite. */
  | 'non-finite'
  /** The two triangles differ by more than the tolerance. */
  | 'not-symmetric'
  /** An eigenvalue or a pivot is zero (or below), where all have to be positive. */
  | 'not-positive-definite'
  /** A triangular matrix has a zero on its diagonal. */
  | 'singular'
  /** An iteration stopped before its result was exact enough. */
  | 'no-convergence';

const CODES: Record<LinalgReason, ApoErrorCode> = {
  'non-finite': 'NON_FINITE',
  'not-symmetric': 'INVALID_ARGUMENT',
  'not-positive-definite': 'NUMERICAL',
  singular: 'NUMERICAL',
  'no-convergence': 'NUMERICAL',
};

/** An `ApoError` (code `NON_FINITE`, `INVALID_ARGUMENT` or `NUMERICAL`) that says what is wrong with which layer's matrix. */
export class LinalgError extends ApoError {
  readonly reason: LinalgReason;
  /** The layer whose matrix it was, where the caller named it. */
  readonly layer: string | undefined;

  constructor(reason: LinalgReason, message: string, layer?: string, options?: { cause?: unknown }) {
    super(CODES[reason], layer === undefined ? message : `Layer '${layer}': ${message}`, options);
    this.reason = reason;
    this.layer = layer;
  }
}

/** True for a `LinalgError`, also for one made by another copy of this package. */
export function isLinalgError(error: unknown): error is LinalgError {
  return (
    error instanceof Error &&
    error.name === 'ApoError' &&
    'reason' in error &&
    typeof error.reason === 'string' &&
    Object.hasOwn(CODES, error.reason)
  );
}
