/** What `train` can be told and what it answers, with the checks at the door. The loop itself is in `trainer.ts`. */
import type { ApoOptions } from '../apo-options.js';
import type { BatchFeedOptions } from './batch-feed.js';
import type { BatchSource } from '../batch-source.js';
import type { EarlyStoppingOptions } from './early-stopping.js';
import { requireArgument, requireInteger } from '../errors.js';
import type { Objective } from '../objective.js';
import type { MetaStepStatistics, Optimizer } from '../optimizer.js';
import type { TrainLog } from './training-log.js';
import type { UpdateRule } from '../update-rule.js';

export type Metrics = Readonly<Record<string, number>>;

/** A place in a run: the step, and its epoch, both 1 for the first. */
export interface TrainPosition {
  readonly step: number;
  readonly epoch: number;
}

export interface TrainEvaluation extends TrainPosition {
  readonly metrics: Metrics;
  /** Whether it is the best so far by `earlyStopping`; false without it. */
  readonly improved: boolean;
}

/** Each may return a promise, which is awaited (but for `onMetaStep`). An error in one ends the run; nothing leaks. */
export interface TrainCallbacks {
  /** Before the first step; `step` steps are behind, `steps` is the last one. */
  readonly onStart?: (start: { readonly step: number; readonly steps: number }) => unknown;
  /** After each step. Reads nothing from the device. */
  readonly onStep?: (position: TrainPosition) => unknown;
  /** After step 1, every `logEvery` steps and the last one; comes when the loss has been read, at most one step later. */
  readonly onLog?: (entry: TrainLog) => unknown;
  readonly onMetaStep?: (statistics: MetaStepStatistics) => void;
  readonly onEvaluate?: (evaluation: TrainEvaluation) => unknown;
  /** `epoch` is the one that has ended. */
  readonly onEpochEnd?: (position: TrainPosition) => unknown;
  /** Not called when the run ends by an error. */
  readonly onEnd?: (result: TrainResult) => unknown;
}

interface CommonTrainOptions<B> {
  readonly source: BatchSource<B>;
  /** The last step, counted from the very first one; give this or `epochs`. */
  readonly steps?: number;
  /** Passes over the source, counted from the very first step. */
  readonly epochs?: number;
  /** B′ of the meta-objective: `previous` (default) is the batch of the step before, at no cost; the first step uses its own. */
  readonly otherBatch?: 'previous' | 'same';
  /** B′ from a source of its own, one draw a step, instead of `otherBatch`. */
  readonly fsdSource?: BatchSource<B>;
  /** Batches whose mean gradient makes one step (default 1); each counts the same, whatever its size. */
  readonly accumulate?: number;
  /** Steps between two readings of the loss (default 10). */
  readonly logEvery?: number;
  /** Metrics of the current weights, by name. */
  readonly evaluate?: () => Promise<Metrics> | Metrics;
  /** Steps between two evaluations (default: at the end of each epoch). The last step is always evaluated. */
  readonly evaluateEvery?: number;
  /** Stops when a metric no longer improves; needs `evaluate`. */
  readonly earlyStopping?: EarlyStoppingOptions;
  /** At the end put back the weights of the best evaluation (default false); needs `earlyStopping`, which says what is best. */
  readonly restoreBestWeights?: boolean;
  /** Ends the run after the current step, with `stopped: 'aborted'`. */
  readonly signal?: AbortSignal;
  /**
   * End the run when a loss that was read is NaN or infinite (default true), at the latest one step after it.
   * `failed` is set in any case.
   */
  readonly stopOnNonFinite?: boolean;
  /** Steps already taken, when you have restored the run yourself (default 0). The first step then has no previous batch. */
  readonly startStep?: number;
  /** Bytes of `onCheckpoint` (or `saveTraining`): continue that run, bit for bit. */
  readonly resume?: Uint8Array;
  /** Steps between two checkpoints; needs `onCheckpoint`. Without it there is one at the end. */
  readonly checkpointEvery?: number;
  /** Takes a checkpoint, for `resume`; awaited. Also called at the end, unless the run failed. */
  readonly onCheckpoint?: (bytes: Uint8Array, at: { readonly step: number }) => unknown;
  /** JSON values of your own to store in each checkpoint, as `saveTraining`'s `extra`. */
  readonly checkpointValues?: () => Readonly<Record<string, unknown>>;
  readonly callbacks?: TrainCallbacks;
}

/** With an optimizer of your own, which stays yours. */
export interface TrainWithOptimizer<B> extends CommonTrainOptions<B> {
  readonly optimizer: Optimizer<B>;
  readonly objective?: never;
  readonly rule?: never;
  readonly options?: never;
}

/** With an `Apo` made from these for the duration of the run. */
export interface TrainWithRule<B> extends CommonTrainOptions<B> {
  readonly optimizer?: never;
  readonly objective: Objective<B>;
  readonly rule: UpdateRule;
  readonly options?: ApoOptions;
}

export type TrainOptions<B> = TrainWithOptimizer<B> | TrainWithRule<B>;

export interface TrainResult {
  /** The last step taken, counted from the very first one. */
  readonly steps: number;
  /** Finished epochs; 0 where the source has none. */
  readonly epochs: number;
  /** The last loss that was read; undefined when there was no step. */
  readonly lastLoss: number | undefined;
  /** What the last evaluation gave. */
  readonly lastMetrics: Metrics | undefined;
  /** The best value of `earlyStopping.metric`. */
  readonly bestMetric: number | undefined;
  readonly stopped: 'steps' | 'early' | 'aborted' | 'non-finite';
  /** Of this call, without evaluations and checkpoints. */
  readonly stepsPerSecond: number;
  /** The first step whose loss was read as NaN or infinite. */
  readonly failed: { readonly step: number; readonly loss: number } | undefined;
  /** Learning rates at the end, by group. */
  readonly learningRates: Readonly<Record<string, number>>;
}

/** The options with their defaults. */
export interface TrainPlan<B> {
  readonly feed: BatchFeedOptions<B>;
  readonly lastStep: number;
  readonly logEvery: number;
  /** Whether to evaluate after `step`. */
  evaluateAt(step: number): boolean;
  checkpointAt(step: number): boolean;
  /** The number of epochs that `steps` steps finish. */
  finishedEpochs(steps: number): number;
}

/** @throws ApoError `INVALID_ARGUMENT` for options that are missing, out of range or contradict each other. */
export function planTraining<B>(options: TrainOptions<B>): TrainPlan<B> {
  const { source, steps, epochs, otherBatch, fsdSource, accumulate = 1, logEvery = 10 } = options;
  const { evaluate, evaluateEvery, earlyStopping, restoreBestWeights, checkpointEvery, onCheckpoint } =
    options;
  requireArgument(
    options.optimizer === undefined
      ? isGiven(options.objective) && isGiven(options.rule)
      : !isGiven(options.objective) && !isGiven(options.rule) && !isGiven(options.options),
    () => 'train takes either optimizer alone, or objective and rule (and options); give one of the two.',
  );
  requireInteger('accumulate', accumulate, 1);
  requireInteger('logEvery', logEvery, 1);
  requireInteger('startStep', options.startStep ?? 0, 0);
  if (evaluateEvery !== undefined) requireInteger('evaluateEvery', evaluateEvery, 1);
  if (checkpointEvery !== undefined) requireInteger('checkpointEvery', checkpointEvery, 1);
  requireArgument(
    otherBatch === undefined || ['previous', 'same'].includes(otherBatch),
    () => `otherBatch is "${String(otherBatch)}"; expected "previous" or "same", or give fsdSource.`,
  );
  requireArgument(
    otherBatch === undefined || fsdSource === undefined,
    () => 'Both otherBatch and fsdSource say where B′ comes from; give one of them.',
  );
  requireArgument(
    options.resume === undefined || options.startStep === undefined,
    () => 'resume already says where to start; leave startStep out.',
  );
  requireArgument(
    evaluate !== undefined || (earlyStopping === undefined && evaluateEvery === undefined),
    () => 'earlyStopping and evaluateEvery need evaluate, a function that returns metrics by name.',
  );
  requireArgument(
    restoreBestWeights !== true || earlyStopping !== undefined,
    () => 'restoreBestWeights needs earlyStopping, which names the metric; patience: Infinity never stops.',
  );
  requireArgument(
    onCheckpoint !== undefined || checkpointEvery === undefined,
    () => 'checkpointEvery needs onCheckpoint, which takes the bytes.',
  );
  const { batchesPerEpoch } = source;
  const finishedEpochs = (step: number): number => Math.floor((step * accumulate) / batchesPerEpoch);
  return {
    feed: { source, other: fsdSource ?? otherBatch ?? 'previous', accumulate },
    lastStep: lastStep({ steps, epochs, accumulate, batchesPerEpoch }),
    logEvery,
    finishedEpochs,
    evaluateAt: (step) =>
      evaluateEvery === undefined
        ? finishedEpochs(step) > finishedEpochs(step - 1)
        : step % evaluateEvery === 0,
    checkpointAt: (step) => checkpointEvery !== undefined && step % checkpointEvery === 0,
  };
}

/** For programs without types, where a required option may be missing. */
function isGiven(option: unknown): boolean {
  return option !== undefined;
}

function lastStep(given: {
  steps: number | undefined;
  epochs: number | undefined;
  accumulate: number;
  batchesPerEpoch: number;
}): number {
  const { steps, epochs, accumulate, batchesPerEpoch } = given;
  requireArgument(
    (steps === undefined) !== (epochs === undefined),
    () => 'train takes exactly one of steps and epochs; got both or neither.',
  );
  if (steps !== undefined) return requireInteger('steps', steps, 1);
  requireInteger('epochs', epochs!, 1);
  requireArgument(
    Number.isFinite(batchesPerEpoch),
    () =>
      `epochs is ${epochs!}, but this source has no epochs (batchesPerEpoch is ${batchesPerEpoch}); give steps.`,
  );
  return Math.ceil((epochs! * batchesPerEpoch) / accumulate);
}
