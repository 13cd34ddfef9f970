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
import { runAsync, runNow } from './needs.js';
import type { Needs } from './needs.js';

/** What one step has computed so far; its tensors are kept until `dispose`. */
export interface PendingStep {
  /** J_B(θ) before the step. */
  readonly loss: tf.Scalar;
  dispose(): void;
}

export interface PreparedOptimizerOptions extends StepperOptions {
  /** η > 0, multiplied by `schedule`. */
  readonly learningRate: number;
  /** Threads for inverses and eigen-decompositions in `prepare` and `waitForSteps`; 0 for the calling thread. Default 1. */
  readonly workers?: number;
  /** Is told once, in a sentence, when the calling thread has to do the work of `workers`. */
  readonly onShortfall?: (reason: string) => void;
}

type OutputListener = (outputs: Outputs, index: number) => void;

/** A step that has begun and not yet moved anything. */
interface BegunStep<B, P> {
  /** The batch with which `step` may take it up; none when it was left open. */
  readonly batch: B | MicroBatches<B> | undefined;
  readonly pending: P;
  /** Copies for the listener of a later `step`. */
  readonly outputs: readonly Outputs[];
  readonly before: BeforePass;
}

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
  /** Prepared, or left open. */
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

  async prepare(batch: B | MicroBatches<B>): Promise<void> {
    this.discardBegun();
    if (!this.readsNext()) return;
    const outputs: Outputs[] = [];
    const listener = (output: Outputs): void => {
      outputs.push(keptCopy(output));
    };
    const begun = { ...this.beginStep(batch, listener, outputs), batch };
    await this.settleLater(begun);
    this.begun = begun;
  }

  /** `other` is not used: there is no meta-objective. */
  step(
    batch: B | MicroBatches<B>,
    _other?: B | MicroBatches<B>,
    options: StepOptions = {},
  ): tf.Scalar | undefined {
    if (this.begun?.batch !== batch) this.discardBegun();
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
    const takeOut = (): boolean => {
      const isOpen = this.begun === begun;
      if (isOpen) this.begun = undefined;
      return isOpen;
    };
    return {
      loss: options.returnLoss ? tf.clone(begun.pending.loss) : undefined,
      isComplete: false,
      finish: async () => {
        if (!takeOut()) return;
        await this.settleLater(begun);
        this.complete(begun, {});
      },
      finishNow: () => {
        if (!takeOut()) return;
        this.settleNow(begun);
        this.complete(begun, {});
      },
      discard: () => {
        if (takeOut()) this.abandon(begun);
      },
    };
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
      return { batch: undefined, pending, outputs, before };
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

  private async settleLater(begun: BegunStep<B, P>): Promise<void> {
    try {
      this.pool ??= linalgPool({
        workers: this.workers,
        ...(this.onShortfall && { onShortfall: this.onShortfall }),
      });
      await runAsync(this.settle(begun.pending), this.pool);
    } catch (error) {
      this.abandon(begun);
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
    free(begun);
    begun.before.dispose();
    return loss;
  }

  private orAbandon<T>(begun: BegunStep<B, P>, body: () => T): T {
    try {
      return body();
    } catch (error) {
      this.abandon(begun);
      throw error;
    }
  }

  /** A step that is not taken has never been. */
  private abandon(begun: BegunStep<B, P>): void {
    free(begun);
    begun.before.putBack();
  }

  private discardBegun(): void {
    const { begun } = this;
    this.begun = undefined;
    if (begun) this.abandon(begun);
  }

  private seeded(batch: B | MicroBatches<B>): SeededBatch<B>[] {
    return batchList(batch).map((one) => ({ batch: one, seed: this.random.integer(0x7fffffff) }));
  }
}

function free({ pending, outputs }: BegunStep<unknown, PendingStep>): void {
  pending.dispose();
  tf.dispose(outputs.flat());
}

/** A step that had nothing to wait for. */
function completeStep(loss: tf.Scalar | undefined): OpenStep {
  return {
    loss,
    isComplete: true,
    finish: () => Promise.resolve(),
    finishNow: nothing,
    discard: nothing,
  };
}

function nothing(): void {
  // It is complete.
}
