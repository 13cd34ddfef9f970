/**
 * A step in three parts: what the engine computes, what has to be read from it, and the move. The second part can be done
 * ahead by `prepare`, without blocking; then nothing else changes. A step that fails leaves everything as it was.
 */
import * as tf from '@tensorflow/tfjs-core';
import { batchList, createRandom, keptCopy, requireUniqueNames } from '@apo/core';
import type {
  GradientClip,
  MicroBatches,
  Objective,
  OpenStep,
  Optimizer,
  OptimizerState,
  OptimizerStatistics,
  Outputs,
  Random,
  Schedule,
  SeededBatch,
  StepOptions,
  StepperOptions,
} from '@apo/core';
import { linalgPool } from '../linalg/linalg-pool.js';
import type { LinalgPool } from '../linalg/linalg-pool.js';
import { BeforePass } from './before-pass.js';
import { BegunStep, completeStep, openStepOf } from './begun-step.js';
import type { PendingStep } from './begun-step.js';
import { runAsync, runNow } from './needs.js';
import type { Needs } from './needs.js';

export interface PreparedOptimizerOptions extends StepperOptions {
  /** η > 0, multiplied by `schedule`. */
  readonly learningRate: number;
  /** Threads for inverses and eigen-decompositions in `prepare` and `waitForSteps`; 0 for the calling thread. Default 1. */
  readonly workers?: number;
  /** Is told once, in a sentence, when the calling thread has to do the work of `workers`. */
  readonly onShortfall?: (reason: string) => void;
}

type OutputListener = (outputs: Outputs, index: number) => void;

/** Owns all state (`dispose` frees it), never the objective's variables. */
export abstract class PreparedOptimizer<B, P extends PendingStep> implements Optimizer<B> {
  abstract readonly name: string;
  protected stepCount = 0;
  protected readonly random: Random;
  protected readonly clip: GradientClip | undefined;
  private readonly schedule: Schedule;
  private readonly baseRate: number;
  private readonly workers: number;
  private readonly onShortfall: ((reason: string) => void) | undefined;
  private pool: LinalgPool | undefined;
  /** Prepared, left open, or being read; what is no longer here when the reading ends was discarded. */
  private begun: BegunStep<B, P> | undefined;

  constructor(
    readonly objective: Objective<B>,
    { learningRate, schedule = () => 1, clip, seed = 0, workers = 1, onShortfall }: PreparedOptimizerOptions,
  ) {
    requireUniqueNames(objective.variables);
    this.random = createRandom(seed);
    this.schedule = schedule;
    this.clip = clip;
    this.baseRate = learningRate;
    this.workers = workers;
    this.onShortfall = onShortfall;
  }

  /** Whether the next step reads numbers from the engine. */
  protected abstract readsNext(): boolean;
  /** The forward and backward pass and all that follows from it on the engine. Moves nothing. */
  protected abstract begin(batches: readonly SeededBatch<B>[], onOutputs: OutputListener | undefined): P;
  /** What has to be read, and what follows from it on the CPU. Moves nothing. */
  protected abstract settle(pending: P): Needs<void>;
  /** Moves variables and state; runs inside `tf.tidy`. */
  protected abstract finish(pending: P): void;
  abstract state(): OptimizerState;
  protected abstract restoreState(state: OptimizerState): void;
  protected abstract disposeState(): void;
  /** Steps that were left out because a gradient was not finite. */
  protected abstract skippedSteps(): Promise<number>;

  get steps(): number {
    return this.stepCount;
  }

  /** η at `step`, 1 for the first. */
  protected learningRate(step: number): number {
    return this.baseRate * this.schedule(Math.max(step, 1));
  }

  /** For `state`: a step that is open has not been taken, so what it drew does not count. */
  protected get randomState(): readonly number[] {
    return this.begun?.randomState ?? this.random.state();
  }

  async prepare(batch: B | MicroBatches<B>): Promise<void> {
    this.discardBegun();
    if (!this.readsNext()) return;
    const outputs: Outputs[] = [];
    const listener = (output: Outputs): void => {
      outputs.push(keptCopy(output));
    };
    const begun = this.beginStep(batch, listener, outputs);
    this.begun = begun;
    await this.settleLater(begun);
    begun.preparedFor = { batch };
  }

  /** `other` is not used: there is no meta-objective. */
  step(
    batch: B | MicroBatches<B>,
    _other?: B | MicroBatches<B>,
    options: StepOptions = {},
  ): tf.Scalar | undefined {
    if (!this.begun?.isPreparedFor(batch)) this.discardBegun();
    let { begun } = this;
    this.begun = undefined;
    if (begun === undefined) {
      begun = this.beginStep(batch, options.onOutputs);
      this.settleNow(begun);
    } else this.tellOutputs(begun, options.onOutputs);
    return this.complete(begun, options);
  }

  openStep(batch: B | MicroBatches<B>, _other?: B | MicroBatches<B>, options: StepOptions = {}): OpenStep {
    this.discardBegun();
    if (!this.readsNext()) return completeStep(this.step(batch, undefined, options));
    const begun = this.beginStep(batch, options.onOutputs);
    this.begun = begun;
    return openStepOf(begun, options.returnLoss ? tf.clone(begun.pending.loss) : undefined, {
      isOpen: () => this.begun === begun,
      finish: async () => {
        await this.settleLater(begun);
        if (this.begun !== begun) return;
        this.begun = undefined;
        this.complete(begun, {});
      },
      finishNow: () => {
        this.begun = undefined;
        this.settleNow(begun);
        this.complete(begun, {});
      },
      discard: () => this.discardBegun(),
    });
  }

  learningRates(): Promise<Record<string, number>> {
    return Promise.resolve({ all: this.learningRate(this.stepCount) });
  }

  async statistics(): Promise<OptimizerStatistics> {
    return {
      steps: this.stepCount,
      metaSteps: 0,
      rejected: await this.skippedSteps(),
      learningRates: await this.learningRates(),
    };
  }

  /** Never calls the listener: there are no meta-steps. */
  onMetaStep(): () => void {
    return () => undefined;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  restore(state: OptimizerState): void {
    this.restoreState(state);
    this.discardBegun();
    this.stepCount = state.values['steps'] as number;
    this.random.restore(state.values['random'] as readonly number[]);
  }

  dispose(): void {
    this.discardBegun();
    this.disposeState();
    void this.pool?.stop();
    this.pool = undefined;
  }

  private beginStep(
    batch: B | MicroBatches<B>,
    onOutputs: OutputListener | undefined,
    outputs: readonly Outputs[] = [],
  ): BegunStep<B, P> {
    const before = new BeforePass(this.random, this.objective.stateVariables);
    try {
      const pending = this.begin(this.seeded(batch), onOutputs);
      before.passed();
      return new BegunStep(pending, outputs, before);
    } catch (error) {
      tf.dispose(outputs.flat());
      before.putBack();
      throw error;
    }
  }

  private tellOutputs(begun: BegunStep<B, P>, listener: OutputListener | undefined): void {
    this.orAbandon(begun, () => {
      for (const [i, output] of begun.outputs.entries()) listener?.(output, i);
    });
  }

  private settleNow(begun: BegunStep<B, P>): void {
    this.orAbandon(begun, () => {
      runNow(this.settle(begun.pending));
    });
  }

  /** The step may be discarded at any time while this waits; nothing of it goes on then. */
  private async settleLater(begun: BegunStep<B, P>): Promise<void> {
    const isWanted = (): boolean => this.begun === begun;
    try {
      this.pool ??= linalgPool({
        workers: this.workers,
        ...(this.onShortfall && { onShortfall: this.onShortfall }),
      });
      await runAsync(this.settle(begun.pending), this.pool, isWanted);
    } catch (error) {
      if (isWanted()) this.discardBegun();
      throw error;
    }
  }

  /** The move. Whatever happens, the step is over. */
  private complete(begun: BegunStep<B, P>, { returnLoss }: StepOptions): tf.Scalar | undefined {
    const loss = this.orAbandon(begun, () =>
      tf.tidy(() => {
        this.finish(begun.pending);
        this.stepCount++;
        return returnLoss ? tf.clone(begun.pending.loss) : undefined;
      }),
    );
    begun.complete();
    return loss;
  }

  private orAbandon<T>(begun: BegunStep<B, P>, body: () => T): T {
    try {
      return body();
    } catch (error) {
      begun.abandon();
      throw error;
    }
  }

  private discardBegun(): void {
    const { begun } = this;
    this.begun = undefined;
    begun?.abandon();
  }

  private seeded(batch: B | MicroBatches<B>): SeededBatch<B>[] {
    return batchList(batch).map((one) => ({ batch: one, seed: this.random.integer(0x7fffffff) }));
  }
}
