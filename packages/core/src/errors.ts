/** Typed errors: what was given, what was expected, what to do. Recognised by name, so that two copies of this package agree. */

export type ApoErrorCode =
  /** An option or a value that cannot be right; nothing was changed. */
  | 'INVALID_ARGUMENT'
  /** No engine could be activated; `message` lists why each was refused. */
  | 'BACKEND_UNAVAILABLE'
  /** An engine's memory has no room for a tensor; it still runs, once tensors are disposed or the batch is smaller. */
  | 'OUT_OF_MEMORY'
  /** The chosen combination does not exist (yet), for example a committed lookahead for Adam. */
  | 'UNSUPPORTED'
  /** A loss, a gradient or a parameter became NaN or infinite. */
  | 'NON_FINITE'
  /** A matrix that cannot be factorised or inverted: singular, not positive definite; or an iteration that did not converge. */
  | 'NUMERICAL'
  /** A checkpoint does not belong to this program: other variables, shapes or rule. */
  | 'CHECKPOINT_MISMATCH'
  /** A data set is neither in the cache nor reachable. */
  | 'DATA_UNAVAILABLE'
  /** A file is there but is not what it should be: size, checksum, magic number. */
  | 'DATA_CORRUPT';

export class ApoError extends Error {
  override readonly name = 'ApoError';
  readonly code: ApoErrorCode;

  constructor(code: ApoErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** True for an `ApoError`, also for one made by another copy of this package. */
export function isApoError(error: unknown): error is ApoError {
  return error instanceof Error && error.name === 'ApoError' && 'code' in error;
}

/** Throws `INVALID_ARGUMENT` unless `condition` holds. */
export function requireArgument(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new ApoError('INVALID_ARGUMENT', message());
}

/** `value` must be a finite number in `[min, max]` (or `(min, max]` with `exclusive`); `what` names the option. */
export function requireNumber(
  what: string,
  value: number,
  {
    min = -Infinity,
    max = Infinity,
    exclusive = false,
  }: { min?: number; max?: number; exclusive?: boolean } = {},
): number {
  const inside =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (exclusive ? value > min : value >= min) &&
    value <= max;
  requireArgument(inside, () => {
    const range = `${exclusive ? '(' : '['}${min}, ${max}${max === Infinity ? ')' : ']'}`;
    return `${what} is ${String(value)}; expected a finite number in ${range}.`;
  });
  return value;
}

/** `value` must be a whole number ≥ `min`. */
export function requireInteger(what: string, value: number, min: number): number {
  requireArgument(
    Number.isInteger(value) && value >= min,
    () => `${what} is ${String(value)}; expected a whole number ≥ ${min}.`,
  );
  return value;
}
