/**
 * Computations that need numbers from the engine or a matrix decomposed or inverted, written once as generators and driven in two ways:
 * at once on the calling thread, or awaiting each need, with matrices on worker threads. Both give the same bits.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { readValues } from '../curvature/parameter-space.js';
import { inverse } from '../linalg/cholesky.js';
import type { SymmetricEigen } from '../linalg/eigensystem.js';
import { eigh } from '../linalg/eigh.js';
import type { LinalgPool } from '../linalg/linalg-pool.js';
import type { MatrixData } from '../linalg/matrix.js';

/** A symmetric matrix `[side, side]` to decompose. */
export interface EigenTask {
  readonly matrix: MatrixData;
  readonly side: number;
  /** What errors call it. */
  readonly layer: string;
}

/** A positive definite matrix `[side, side]` to invert, with `damping` added to its diagonal. */
export interface InverseTask extends EigenTask {
  readonly damping: number;
}

type Need =
  | { readonly kind: 'read'; readonly tensors: readonly tf.Tensor[] }
  | { readonly kind: 'eigen'; readonly tasks: readonly EigenTask[] }
  | { readonly kind: 'inverse'; readonly tasks: readonly InverseTask[] }
  | { readonly kind: 'all'; readonly needs: readonly Need[] };

/** A computation that ends with a `T`. */
export type Needs<T> = Generator<Need, T, unknown>;

/** The values of float32 tensors. */
export function* read(tensors: readonly tf.Tensor[]): Needs<Float32Array[]> {
  if (tensors.length === 0) return [];
  return (yield { kind: 'read', tensors }) as Float32Array[];
}

/** The eigen-decompositions of symmetric matrices, side by side where there are workers. @throws as `eigh`. */
export function* decompose(tasks: readonly EigenTask[]): Needs<SymmetricEigen[]> {
  if (tasks.length === 0) return [];
  return (yield { kind: 'eigen', tasks }) as SymmetricEigen[];
}

/** The inverses of damped matrices, side by side where there are workers. @throws as `inverse`. */
export function* invertAll(tasks: readonly InverseTask[]): Needs<Float64Array[]> {
  return (yield { kind: 'inverse', tasks }) as Float64Array[];
}

/** Several computations side by side: what they need at the same time is answered together. The first error, in their order, ends all. */
export function* together<T>(computations: readonly Needs<T>[]): Needs<T[]> {
  const states = computations.map((computation) => computation.next());
  for (;;) {
    const open = states.flatMap((state, i) => (state.done ? [] : [{ i, need: state.value }]));
    if (open.length === 0) return states.map(({ value }) => value as T);
    const answers = (yield { kind: 'all', needs: open.map(({ need }) => need) }) as unknown[];
    open.forEach(({ i }, k) => (states[i] = computations[i]!.next(answers[k])));
  }
}

/** Runs a computation on the calling thread. @throws ApoError `UNSUPPORTED` on an engine that cannot wait for its device. */
export function runNow<T>(needs: Needs<T>): T {
  let state = needs.next();
  while (!state.done) {
    let answer: unknown;
    try {
      answer = answerNow(state.value);
    } catch (error) {
      state = needs.throw(error);
      continue;
    }
    state = needs.next(answer);
  }
  return state.value;
}

/**
 * Runs a computation without blocking on the engine, matrices on the threads of `pool`. Nothing of it goes on, and there is
 * no result and no error, when it is no longer wanted after something was awaited.
 */
export async function runAsync<T>(needs: Needs<T>, pool: LinalgPool): Promise<T>;
export async function runAsync<T>(
  needs: Needs<T>,
  pool: LinalgPool,
  isWanted: () => boolean,
): Promise<T | undefined>;
export async function runAsync<T>(
  needs: Needs<T>,
  pool: LinalgPool,
  isWanted = () => true,
): Promise<T | undefined> {
  let state = needs.next();
  while (!state.done) {
    let answer: unknown;
    try {
      answer = await answerLater(state.value, pool);
    } catch (error) {
      if (!isWanted()) return undefined;
      state = needs.throw(error);
      continue;
    }
    if (!isWanted()) return undefined;
    state = needs.next(answer);
  }
  return state.value;
}

function answerNow(need: Need): unknown {
  switch (need.kind) {
    case 'read':
      return need.tensors.map(readValues);
    case 'eigen':
      return need.tasks.map(({ matrix, side, layer }) => eigh(matrix, side, { layer }));
    case 'inverse':
      return need.tasks.map(({ matrix, side, ...options }) => inverse(matrix, side, options));
    case 'all':
      return need.needs.map(answerNow);
  }
}

function answerLater(need: Need, pool: LinalgPool): Promise<unknown[]> {
  switch (need.kind) {
    case 'read':
      return inOrder(need.tensors.map((tensor) => tensor.data()));
    case 'eigen':
      return inOrder(need.tasks.map(async ({ matrix, side, layer }) => pool.solve(matrix, side, { layer })));
    case 'inverse':
      return inOrder(
        need.tasks.map(async ({ matrix, side, ...options }) => pool.invert(matrix, side, options)),
      );
    case 'all':
      return inOrder(need.needs.map((one) => answerLater(one, pool)));
  }
}

/** All results; else the error of the first that failed in the list, which is not left to chance. */
async function inOrder<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
