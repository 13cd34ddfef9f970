/**
 * A step in three parts: what the engine computes, what has to be read from it, and the move. The second part can be done
 * ahead by `prepare`, without blocking; then nothing else changes. A step that fails leaves everything as it was.
 */
import * as tf from '@tensorflow/tfjs-core';
import { batchList, createRandom, requireUniqueNames } from '@apo/core';
import type {
  GradientClip,
  MicroBatches,
  Objective,
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
import { eighPool } from '../linalg/eigh-pool.js';
import type { EighPool } from '../linalg/eigh-pool.js';
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
  /** Threads that decompose matrices during `prepare`; 0 for the calling thread. Default 1. */
  readonly workers?: number;
}

type OutputListener = (outputs: Outputs, index: number) => void;

interface PreparedStep<B, P> {
  readonly batch: B | MicroBatches<B>;
  readonly pending: P;
  readonly outputs: Outputs[];
  readonly randomBefore: readonly number[];
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
  private pool: EighPool | undefined;
  private prepared: PreparedStep<B, P> | undefined;

  constructor(
    readonly objective: Objective<B>,
    { learningRate, schedule = () => 1, clip, seed = 0, workers = 1 }: PreparedOptimizerOptions,
  ) {
    requireUniqueNames(objective.variables);
    this.random = createRandom(seed);
    this.schedule = schedule;
    this.clip = clip;
    this.baseRate = learningRate;
    this.workers = workers;
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
    this.discardPrepared();
    if (!this.readsNext()) return;
    const randomBefore = this.random.state();
    const outputs: Outputs[] = [];
    const copy = (output: tf.Tensor): tf.Tensor => tf.keep(tf.clone(output));
    let pending: P | undefined;
    try {
      pending = this.begin(this.seeded(batch), (output) => {
        outputs.push(Array.isArray(output) ? output.map(copy) : copy(output));
      });
      this.pool ??= eighPool({ workers: this.workers });
      await runAsync(this.settle(pending), this.pool);
    } catch (error) {
      pending?.dispose();
      tf.dispose(outputs.flat());
      this.random.restore(randomBefore);
      throw error;
    }
    this.prepared = { batch, pending, outputs, randomBefore };
  }

  /** `other` is not used: there is no meta-objective. */
  step(
    batch: B | MicroBatches<B>,
    _other?: B | MicroBatches<B>,
    options: StepOptions = {},
  ): tf.Scalar | undefined {
    if (this.prepared?.batch !== batch) this.discardPrepared();
    const { prepared } = this;
    this.prepared = undefined;
    const randomBefore = prepared?.randomBefore ?? this.random.state();
    let pending = prepared?.pending;
    try {
      if (prepared) {
        for (const [i, output] of prepared.outputs.entries()) options.onOutputs?.(output, i);
      }
      if (pending === undefined) {
        pending = this.begin(this.seeded(batch), options.onOutputs);
        runNow(this.settle(pending));
      }
      const ready = pending;
      return tf.tidy(() => {
        this.finish(ready);
        this.stepCount++;
        return options.returnLoss ? tf.clone(ready.loss) : undefined;
      });
    } catch (error) {
      this.random.restore(randomBefore);
      throw error;
    } finally {
      pending?.dispose();
      tf.dispose(prepared?.outputs.flat() ?? []);
    }
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
    this.discardPrepared();
    this.stepCount = state.values['steps'] as number;
    this.random.restore(state.values['random'] as readonly number[]);
  }

  dispose(): void {
    this.discardPrepared();
    this.disposeState();
    void this.pool?.stop();
    this.pool = undefined;
  }

  /** A prepared step that is not taken has never been. */
  private discardPrepared(): void {
    if (this.prepared === undefined) return;
    const { pending, outputs, randomBefore } = this.prepared;
    this.prepared = undefined;
    pending.dispose();
    tf.dispose(outputs.flat());
    this.random.restore(randomBefore);
  }

  private seeded(batch: B | MicroBatches<B>): SeededBatch<B>[] {
    return batchList(batch).map((one) => ({ batch: one, seed: this.random.integer(0x7fffffff) }));
  }
}
