/** The contract of a task: data, model and loss under one name, ready for any optimizer. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BatchSource, Objective } from '@apo/core';
import type { DataStore } from '../data/data-set.js';

export type TaskKind =
  /** Examples, labels, an accuracy. */
  | 'classification'
  /** Examples and real-valued targets. */
  | 'regression'
  /** Examples that are their own targets. */
  | 'reconstruction'
  /** A function of the variables alone: no batches, no accuracy. */
  | 'function';

export type Split = 'train' | 'test';

export interface TaskDefaults {
  readonly batchSize: number;
  readonly steps: number;
  /** Meta-steps every so many steps. */
  readonly interval: number;
  /** How many training examples, in the order of the data set, the reported training loss is evaluated on. */
  readonly trainLossExamples: number;
}

export interface TaskLoadOptions {
  /** Of the initial weights (default 0). */
  readonly seed?: number;
  /** Where data sets come from: `fileStore()` of `@apo/tasks/node`, `fetchStore()`, or one's own. */
  readonly store?: DataStore;
  /** Prefix of the variables' names, for two instances at the same time. */
  readonly name?: string;
}

export interface Evaluation {
  /** Mean over the examples, without regularisers. */
  readonly loss: number;
  /** In [0, 1]; absent where there are no labels. */
  readonly accuracy?: number;
  /** Further numbers by name, for example `meanSquaredError`; which ones, and their units, is said by the task. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly examples: number;
}

/** A task with its data in memory and its model at the initial weights. */
export interface TaskInstance<B = unknown> {
  readonly objective: Objective<B>;
  /** Trainable variables; owned by the instance. */
  readonly variables: readonly tf.Variable[];
  /** Training batches in a seeded order; default batch size: the task's. */
  trainSource(seed: number, batchSize?: number): BatchSource<B>;
  /**
   * Loss and metrics at the current weights in inference mode, on the first `limit` examples in the order of the data
   * set (all when absent or more than there are). Reads a few numbers back.
   * Throws ApoError `INVALID_ARGUMENT` for a limit below 1.
   */
  evaluate(split: Split, limit?: number): Promise<Evaluation>;
  /** Disposes the variables and frees their names. */
  dispose(): void;
}

export interface Task<B = unknown, O extends TaskLoadOptions = TaskLoadOptions> {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  readonly kind: TaskKind;
  readonly defaults: TaskDefaults;
  /** True when `load` needs a `store`. */
  readonly needsStore: boolean;
  /** Reads the data and builds the model. Throws ApoError `INVALID_ARGUMENT` without a store where one is needed, and what the store throws. */
  load(options?: O): Promise<TaskInstance<B>>;
}
