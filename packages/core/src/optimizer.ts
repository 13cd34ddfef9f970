/** What every optimizer of the project can do, whatever it adapts: step, report, be saved, be put back. */
import type * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from './errors.js';
import type { Objective } from './objective.js';
import type { TensorMap } from './update-rule.js';

/** Several batches that together make one step (gradient accumulation); made by `microBatches`. */
export interface MicroBatches<B> {
  readonly microBatches: readonly B[];
}

/** One step on the mean gradient of several batches, each of equal weight: give them the same number of examples. @throws ApoError `INVALID_ARGUMENT` when there are none. */
export function microBatches<B>(batches: readonly B[]): MicroBatches<B> {
  requireArgument(batches.length > 0, () => 'microBatches([]) has no batch; give at least one.');
  return { microBatches: batches };
}

/** The list behind a batch or a set of micro-batches. */
export function batchList<B>(batch: B | MicroBatches<B>): readonly B[] {
  return typeof batch === 'object' && batch !== null && 'microBatches' in batch
    ? batch.microBatches
    : [batch];
}

export interface StepOptions {
  /** Return the mean loss on the batch *before* the step (regularisers included); the caller disposes it. Default false. */
  readonly returnLoss?: boolean;
  /** Called inside the base pass with f(x, θ) of each (micro-)batch; for metrics that need the outputs. Tensors it keeps must be `tf.keep`t. */
  readonly onOutputs?: (outputs: tf.Tensor | tf.Tensor[], index: number) => void;
}

/** One meta-step, as numbers. */
export interface MetaStepStatistics {
  /** The optimizer step at which it happened, 1 for the first. */
  readonly step: number;
  /** Q = loss + fsd + wsd at the lookahead, before φ moved. */
  readonly q: number;
  /** J_B(θ′), regularisers included. */
  readonly loss: number;
  /** λ_FSD · mean ρ. */
  readonly fsd: number;
  /** ½ λ_WSD ‖θ′ − θ‖². */
  readonly wsd: number;
  /** ‖∂Q/∂φ‖. */
  readonly metaGradientNorm: number;
  readonly accepted: boolean;
  /** After the meta-step, by group (`all` when there is one). */
  readonly learningRates: Readonly<Record<string, number>>;
}

export interface OptimizerStatistics {
  readonly steps: number;
  readonly metaSteps: number;
  /** Meta-steps that were undone because they made Q worse or non-finite. */
  readonly rejected: number;
  readonly learningRates: Readonly<Record<string, number>>;
  /** What the rule says of φ, by name (`UpdateRule.diagnostics`); empty or absent when it says nothing. */
  readonly diagnostics?: Readonly<Record<string, number>>;
}

/** Everything needed to continue: tensors by name (owned by the optimizer, read them before the next step) and plain values. */
export interface OptimizerState {
  readonly tensors: TensorMap;
  /** JSON-safe: the optimizer's name, its learning-rate `groups`, counters and the random generator. */
  readonly values: Readonly<Record<string, number | string | readonly number[] | readonly string[]>>;
}

/** A step between its two halves: the loss is known, the variables have moved or are still to move. */
export interface OpenStep {
  /** What `step` would have returned; the caller disposes it. */
  readonly loss: tf.Scalar | undefined;
  /** The variables have moved; the three ways to end the step do nothing then. */
  readonly isComplete: boolean;
  /**
   * Reads what it has to without blocking, then moves; resolves without a move when the step is discarded, or finished in the
   * other way, while it waits. @throws as `step`; nothing has moved then, and the step is over.
   */
  finish(): Promise<void>;
  /** The same on the calling thread. */
  finishNow(): void;
  /** The step has never been. */
  discard(): void;
}

export interface Optimizer<B> {
  readonly name: string;
  readonly objective: Objective<B>;
  /** Steps taken so far. */
  readonly steps: number;
  /**
   * One step. `other` is the second batch B′ of the meta-objective; without it the batch itself is used.
   * Synchronous: it enqueues the work and reads nothing back.
   */
  step(batch: B | MicroBatches<B>, other?: B | MicroBatches<B>, options?: StepOptions): tf.Scalar | undefined;
  /**
   * Computes ahead what the next step needs read from the engine (a matrix to invert), without blocking. Await it before
   * `step` on the same batch; that step then gives the same numbers as one that was not prepared, which has to read while it
   * runs, what some engines (WebGPU) cannot do. Optimizers that never read have none.
   */
  prepare?(batch: B | MicroBatches<B>): Promise<void>;
  /**
   * `step` for a loop that can wait only after it has the loss, such as `model.fit`: moves at once when nothing has to be read
   * from the engine, and leaves the step open otherwise. Finished, it gives the same numbers as `step`. The batch must live
   * until then; `step`, `prepare`, `openStep`, `restore` and `dispose` discard an open step, also one that is being finished. Optimizers that never read have none.
   */
  openStep?(batch: B | MicroBatches<B>, other?: B | MicroBatches<B>, options?: StepOptions): OpenStep;
  /** Current learning rates by group (`all` when there is one), schedule included. */
  learningRates(): Promise<Record<string, number>>;
  statistics(): Promise<OptimizerStatistics>;
  /** Calls `listener` after each meta-step, later and in order; nothing is read while nobody listens. Returns the way to stop. */
  onMetaStep(listener: (statistics: MetaStepStatistics) => void): () => void;
  /** Resolves when every listener has heard of every meta-step so far; rejects with the first error of a listener. */
  flush(): Promise<void>;
  /** Optimizer state without the variables themselves. */
  state(): OptimizerState;
  /** Takes back what `state` gave (values are copied). @throws ApoError `CHECKPOINT_MISMATCH` when names or shapes differ. */
  restore(state: OptimizerState): void;
  dispose(): void;
}
