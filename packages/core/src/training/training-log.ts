/** Reads losses and learning rates back, later but in order, and tells how fast a run goes. It decides nothing. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Optimizer } from '../optimizer.js';

/** What `onLog` is told. */
export interface TrainLog {
  /** 1 for the first step. */
  readonly step: number;
  /** The epoch of this step, 1 for the first. */
  readonly epoch: number;
  /** Mean loss on the batch of this step before the step, regularisers included. */
  readonly loss: number;
  /** The learning rate; with several groups, their geometric mean. NaN for an optimizer without one. */
  readonly learningRate: number;
  /** By group (`all` when there is one), schedule included. */
  readonly learningRates: Readonly<Record<string, number>>;
  /** Over the steps since the last entry, without evaluations and checkpoints. */
  readonly stepsPerSecond: number;
  /** Seconds until the last step at the mean speed of this run so far; evaluations not counted. */
  readonly timeLeft: number;
}

/** Measures seconds of training, not counting what runs inside `pause`. */
export class Stopwatch {
  private readonly start = performance.now();
  private paused = 0;

  get seconds(): number {
    return (performance.now() - this.start - this.paused) / 1000;
  }

  /** Runs `body` off the clock. */
  async pause<T>(body: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await body();
    } finally {
      this.paused += performance.now() - begin;
    }
  }
}

export interface TrainingLogOptions<B> {
  readonly optimizer: Optimizer<B>;
  readonly stopwatch: Stopwatch;
  /** The step at which the run will end. */
  readonly lastStep: number;
  readonly onLog?: ((entry: TrainLog) => unknown) | undefined;
}

export class TrainingLog<B> {
  lastLoss: number | undefined;
  /** The first loss that was read as NaN or infinite. */
  failed: { readonly step: number; readonly loss: number } | undefined;
  private pending: Promise<void> = Promise.resolve();
  private reads: Promise<unknown> = Promise.resolve();
  private firstStep = 0;
  private reportedStep = 0;
  private reportedSeconds = 0;

  constructor(private readonly options: TrainingLogOptions<B>) {}

  /** Says that `step` steps are already behind. */
  begin(step: number): void {
    this.firstStep = this.reportedStep = step;
  }

  /** Starts reading the loss of `step`, which is disposed afterwards. Errors, also those of `onLog`, come out of `flush`. */
  record(step: number, epoch: number, loss: tf.Scalar): void {
    const read = Promise.all([
      loss.data().finally(() => {
        loss.dispose();
      }),
      this.options.optimizer.learningRates(),
    ]);
    this.pending = this.pending.then(async () => {
      const [losses, learningRates] = await read;
      await this.report(step, epoch, losses[0]!, learningRates);
    });
    // Nobody may be waiting yet; without these, a rejection would count as unhandled until `flush`.
    this.reads = Promise.allSettled([this.reads, read]);
    this.pending.catch(() => undefined);
  }

  /** Resolves when everything recorded so far has been reported; rejects with the first error. */
  flush(): Promise<void> {
    return this.pending;
  }

  /** Resolves when every tensor given to `record` is disposed; never rejects. */
  async close(): Promise<void> {
    await this.reads;
    await this.pending.catch(() => undefined);
  }

  private async report(
    step: number,
    epoch: number,
    loss: number,
    learningRates: Record<string, number>,
  ): Promise<void> {
    const { stopwatch, lastStep, onLog } = this.options;
    this.lastLoss = loss;
    if (!Number.isFinite(loss)) this.failed ??= { step, loss };
    const { seconds } = stopwatch;
    const stepsPerSecond = speed(step - this.reportedStep, seconds - this.reportedSeconds);
    this.reportedStep = step;
    this.reportedSeconds = seconds;
    await onLog?.({
      step,
      epoch,
      loss,
      learningRate: geometricMean(Object.values(learningRates)),
      learningRates,
      stepsPerSecond,
      timeLeft: (lastStep - step) / speed(step - this.firstStep, seconds),
    });
  }
}

/** Steps per second, finite also where the clock is too coarse to see any time pass. */
export function speed(steps: number, seconds: number): number {
  return steps / Math.max(seconds, 1e-6);
}

function geometricMean(values: readonly number[]): number {
  if (values.length === 1) return values[0]!;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
