/** Errors on their way between a worker and its page: what a structured clone keeps of them, and an Error again on the other side. */

/** An error as plain data. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The code of an ApoError. */
  readonly code?: string;
  readonly cause?: Failure;
}

/** Longer chains are cut: nobody reads them, and an error may be its own cause. */
const MAX_CAUSES = 8;

/** What of `error` can be sent. An ApoError is known by its code, so that a page needs not load the package that has the class. */
export function failureOf(error: unknown, causes = MAX_CAUSES): Failure {
  if (error instanceof WorkerError) return error.failure;
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  return {
    name,
    message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(cause !== undefined && causes > 0 && { cause: failureOf(cause, causes - 1) }),
  };
}

/** What a call rejects with when it failed in the worker, or the worker itself did. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';

  constructor(readonly failure: Failure) {
    super(failure.message, failure.cause && { cause: new WorkerError(failure.cause) });
  }
}
