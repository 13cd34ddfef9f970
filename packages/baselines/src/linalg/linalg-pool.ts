/**
 * Eigen-decompositions and inverses beside the main thread: the training step goes on while workers compute, and the caller awaits the
 * result at the step of its choice. Which thread computes is left to chance and changes no bit of the result.
 */
import { requireInteger } from '@apo/core';
import { checkedInverse, damped, inverseHere } from './cholesky.js';
import type { CholeskyOptions } from './cholesky.js';
import type { FailedPivot } from './dense-loops.js';
import type { SymmetricEigen } from './eigensystem.js';
import { startLinalgWorker } from './linalg-worker.js';
import type { LinalgWorker, Refusal } from './linalg-worker.js';
import { solveHere, verified } from './eigh.js';
import { symmetrised } from './matrix.js';
import type { MatrixData, MatrixOptions } from './matrix.js';

export interface LinalgPoolOptions {
  /** Worker threads at most; 0 computes everything on the calling thread. Default 1. */
  readonly workers?: number;
  /** Matrices with a smaller side are dealt with at once on the calling thread. Default 128, some 10 ms. */
  readonly minSide?: number;
  /** Hears the first `shortfall`. */
  readonly onShortfall?: (reason: string) => void;
  /** How a worker is started: it, or the reason why there is none. */
  readonly start?: () => LinalgWorker | string;
}

export interface LinalgPool {
  /**
   * Checks and copies `a` at once, and resolves with what `eigh(a, n, options)` returns. Without a worker that can do it, it
   * is computed on the calling thread: before this call returns, or when a worker dies, then.
   * @throws as `eigh`: bad input at once, not as a rejection.
   */
  solve(a: MatrixData, n: number, options?: MatrixOptions): Promise<SymmetricEigen>;
  /** The same for `inverse(a, n, options)`. @throws as `inverse`: bad input at once, a matrix without an inverse as a rejection. */
  invert(a: MatrixData, n: number, options?: CholeskyOptions): Promise<Float64Array>;
  /** Why results come from the calling thread, as far as that was not asked for: one sentence. */
  readonly shortfall: string | undefined;
  /** Ends the workers; what is under way, and whatever comes later, is computed on the calling thread. May be called again. */
  stop(): Promise<void>;
}

/** A matrix and what is to be done with it, here or by a worker. */
interface Job {
  /** Settles the promise with a result computed on the calling thread. */
  here(): void;
  /** Gives a copy to the worker. `done` hears how to settle the promise, that it is refused, or why the worker is gone. */
  send(worker: LinalgWorker, done: (answer: (() => void) | Refusal | string) => void): void;
}

/** A job, typed: `Raw` is what a worker answers. */
interface Work<Raw extends object, Result> {
  here(): Result;
  send(worker: LinalgWorker, done: (raw: Raw | Refusal | string) => void): void;
  check(raw: Raw): Result;
}

/**
 * A pool whose workers start when they are first needed. They keep the process alive only while they compute, so that it
 * ends by itself.
 * @throws ApoError `INVALID_ARGUMENT` for options out of range.
 */
export function linalgPool({
  workers = 1,
  minSide = 128,
  start = startLinalgWorker,
  onShortfall,
}: LinalgPoolOptions = {}): LinalgPool {
  requireInteger('workers', workers, 0);
  requireInteger('minSide', minSide, 0);
  const idle: LinalgWorker[] = [];
  const all = new Set<LinalgWorker>();
  const queue: Job[] = [];
  let open = workers;
  let shortfall: string | undefined;
  /** No worker has refused to decompose a matrix. */
  let decomposes = true;

  return {
    solve: (a, n, options = {}) => {
      const matrix = symmetrised(a, n, options);
      const { layer } = options;
      return enqueue(decomposes ? n : 0, {
        here: () => solveHere(matrix, n, layer),
        send: (worker, done) => worker.solve(matrix.slice(), n, done),
        check: (eigen: SymmetricEigen) => verified(eigen, layer),
      });
    },
    invert: (a, n, options = {}) => {
      const matrix = damped(a, n, options);
      const { layer } = options;
      return enqueue(n, {
        here: () => inverseHere(matrix, n, layer),
        send: (worker, done) => worker.invert(matrix.slice(), n, done),
        check: (result: Float64Array | FailedPivot) => checkedInverse(result, n, layer),
      });
    },
    get shortfall() {
      return shortfall;
    },
    stop: async () => {
      open = 0;
      const ended = [...all];
      all.clear();
      idle.length = 0;
      for (const job of queue.splice(0)) job.here();
      await Promise.all(ended.map((worker) => worker.stop()));
    },
  };

  function enqueue<Raw extends object, Result>(
    n: number,
    { here, send, check }: Work<Raw, Result>,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const settle = (result: () => Result): void => {
        try {
          resolve(result());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const job: Job = {
        here: () => settle(here),
        send: (worker, done) =>
          send(worker, (raw) =>
            done(typeof raw === 'string' || isRefusal(raw) ? raw : () => settle(() => check(raw))),
          ),
      };
      if (n < minSide || n === 0 || !canUseWorker()) job.here();
      else {
        queue.push(job);
        assign();
      }
    });
  }

  function fallShort(reason: string): void {
    const isFirst = shortfall === undefined;
    shortfall = reason;
    if (isFirst) onShortfall?.(reason);
  }

  /** Starts one more worker where all are busy and there may be more; false where there is none at all. */
  function canUseWorker(): boolean {
    if (idle.length === 0 && all.size < open) {
      const worker = start();
      if (typeof worker === 'string') {
        fallShort(worker);
        open = all.size;
      } else {
        all.add(worker);
        idle.push(worker);
      }
    }
    return all.size > 0;
  }

  function assign(): void {
    while (idle.length > 0 && queue.length > 0) run(idle.pop()!, queue.shift()!);
  }

  function run(worker: LinalgWorker, job: Job): void {
    job.send(worker, (answer) => {
      if (typeof answer === 'string') lose(worker, job, answer);
      else {
        if (typeof answer === 'function') answer();
        else refuse(job, answer);
        idle.push(worker);
      }
      assign();
    });
  }

  /** Decompositions are computed here from now on; the workers stay for inverses. */
  function refuse(job: Job, { refused }: Refusal): void {
    decomposes = false;
    fallShort(refused);
    job.here();
  }

  /** The worker is gone: its matrix is dealt with here, and so are those that nobody else could take. */
  function lose(worker: LinalgWorker, job: Job, reason: string): void {
    // After `stop` it is not among them: it was ended on purpose.
    if (all.delete(worker)) {
      fallShort(`Computed on the main thread since ${reason}.`);
      open -= 1;
    }
    job.here();
    if (all.size === 0) for (const next of queue.splice(0)) next.here();
  }
}

function isRefusal(raw: object): raw is Refusal {
  return 'refused' in raw;
}
