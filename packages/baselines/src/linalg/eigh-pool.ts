/**
 * Eigen-decompositions beside the main thread: the training step goes on while workers compute, and the caller awaits the
 * result at the step of its choice. Which thread computes is left to chance and changes no bit of the result.
 */
import { requireInteger } from '@apo/core';
import type { SymmetricEigen } from './eigensystem.js';
import { startEigenWorker } from './eigen-worker.js';
import type { EigenWorker } from './eigen-worker.js';
import { solveHere, verified } from './eigh.js';
import { symmetrised } from './matrix.js';
import type { MatrixData, MatrixOptions } from './matrix.js';

export interface EighPoolOptions {
  /** Worker threads at most; 0 computes everything on the calling thread. Default 1. */
  readonly workers?: number;
  /** Matrices with a smaller side are decomposed at once on the calling thread. Default 128, some 10 ms. */
  readonly minSide?: number;
  /** How a worker is started: it, or the reason why there is none. */
  readonly start?: () => EigenWorker | string;
}

export interface EighPool {
  /**
   * Checks and copies `a` at once, and resolves with what `eigh(a, n, options)` returns. Without a worker that can do it, it
   * is computed on the calling thread: before this call returns, or when a worker dies, then.
   * @throws as `eigh`: bad input at once, not as a rejection.
   */
  solve(a: MatrixData, n: number, options?: MatrixOptions): Promise<SymmetricEigen>;
  /** Why results come from the calling thread, as far as that was not asked for: one sentence. */
  readonly shortfall: string | undefined;
  /** Ends the workers; what is under way, and whatever comes later, is computed on the calling thread. May be called again. */
  stop(): Promise<void>;
}

interface Job {
  readonly matrix: Float64Array<ArrayBuffer>;
  readonly n: number;
  readonly layer: string | undefined;
  readonly resolve: (eigen: SymmetricEigen) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A pool whose workers start when they are first needed. They keep the process alive only while they compute, so that it
 * ends by itself.
 * @throws ApoError `INVALID_ARGUMENT` for options out of range.
 */
export function eighPool({
  workers = 1,
  minSide = 128,
  start = startEigenWorker,
}: EighPoolOptions = {}): EighPool {
  requireInteger('workers', workers, 0);
  requireInteger('minSide', minSide, 0);
  const idle: EigenWorker[] = [];
  const all = new Set<EigenWorker>();
  const queue: Job[] = [];
  let open = workers;
  let shortfall: string | undefined;

  return {
    solve: (a, n, options = {}) => {
      const matrix = symmetrised(a, n, options);
      return new Promise((resolve, reject) => {
        const job: Job = { matrix, n, layer: options.layer, resolve, reject };
        if (n < minSide || n === 0 || !canUseWorker()) compute(job);
        else {
          queue.push(job);
          assign();
        }
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
      for (const job of queue.splice(0)) compute(job);
      await Promise.all(ended.map((worker) => worker.stop()));
    },
  };

  /** Starts one more worker where all are busy and there may be more; false where there is none at all. */
  function canUseWorker(): boolean {
    if (idle.length === 0 && all.size < open) {
      const worker = start();
      if (typeof worker === 'string') {
        shortfall = worker;
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

  function run(worker: EigenWorker, job: Job): void {
    const sent = job.matrix.slice();
    worker.solve(sent, job.n, (result) => {
      if (typeof result === 'string') lose(worker, job, result);
      else {
        settle(job, () => verified(result, job.layer));
        idle.push(worker);
      }
      assign();
    });
  }

  /** The worker is gone: its matrix is decomposed here, and so are those that nobody else could take. */
  function lose(worker: EigenWorker, job: Job, reason: string): void {
    // After `stop` it is not among them: it was ended on purpose.
    if (all.delete(worker)) {
      shortfall = `Decomposed on the main thread since ${reason}.`;
      open -= 1;
    }
    compute(job);
    if (all.size === 0) for (const next of queue.splice(0)) compute(next);
  }
}

function compute(job: Job): void {
  settle(job, () => solveHere(job.matrix, job.n, job.layer));
}

function settle({ resolve, reject }: Job, result: () => SymmetricEigen): void {
  try {
    resolve(result());
  } catch (error) {
    reject(error);
  }
}
