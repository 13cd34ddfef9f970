/** The training loop for programs that do not use `model.fit`: steps, logs, evaluations, early stopping and checkpoints. How a step is taken is the optimizer's business. */
import { Apo } from '../apo.js';
import { BatchFeed } from './batch-feed.js';
import type { BatchFeedState } from './batch-feed.js';
import { BestWeights } from './best-weights.js';
import { EarlyStopping } from './early-stopping.js';
import type { EarlyStoppingState } from './early-stopping.js';
import { requireArgument } from '../errors.js';
import { createYielder } from './event-loop.js';
import type { Optimizer } from '../optimizer.js';
import { planTraining } from './train-options.js';
import type { Metrics, TrainOptions, TrainPlan, TrainPosition, TrainResult } from './train-options.js';
import { applyTraining, modelVariables, openTraining, writeTraining } from './training-checkpoint.js';
import { speed, Stopwatch, TrainingLog } from './training-log.js';

/**
 * Trains until `steps` or `epochs`, early stopping, a non-finite loss or `signal`, and says which. The event loop gets its
 * turn about every 50 ms. Every batch goes back to its source. With `restoreBestWeights` the variables end at the best
 * evaluation, however the run stopped.
 *
 * @example
 * const result = await train({ objective, rule: sgd(), source, epochs: 5, callbacks: { onLog: console.log } });
 * @throws ApoError `INVALID_ARGUMENT` for options that cannot be right, `CHECKPOINT_MISMATCH` or `DATA_CORRUPT` for
 * `resume` (nothing is changed then); and whatever a callback, the source, `evaluate` or the optimizer throws.
 */
export async function train<B>(options: TrainOptions<B>): Promise<TrainResult> {
  const plan = planTraining(options);
  const early = options.earlyStopping && new EarlyStopping(options.earlyStopping);
  const optimizer = options.optimizer ?? new Apo(options.objective, options.rule, options.options);
  const run = new TrainingRun(options, plan, optimizer, early);
  try {
    return await run.run();
  } finally {
    await run.close();
    if (options.optimizer === undefined) optimizer.dispose();
  }
}

/** The trainer's own part of a checkpoint. */
interface Progress {
  readonly step: number;
  readonly feed: BatchFeedState;
  readonly early: EarlyStoppingState | null;
}

class TrainingRun<B> {
  private readonly feed: BatchFeed<B>;
  private readonly best: BestWeights;
  private readonly stopwatch = new Stopwatch();
  private readonly stopListening: (() => void) | undefined;
  private readonly log: TrainingLog<B>;
  private readonly stopOnNonFinite: boolean;
  private step: number;
  private checkpointed = -1;
  private lastMetrics: Metrics | undefined;

  constructor(
    private readonly options: TrainOptions<B>,
    private readonly plan: TrainPlan<B>,
    private readonly optimizer: Optimizer<B>,
    private readonly early: EarlyStopping | undefined,
  ) {
    this.feed = new BatchFeed(plan.feed);
    this.best = new BestWeights(modelVariables(optimizer));
    this.step = options.startStep ?? 0;
    this.stopOnNonFinite = options.stopOnNonFinite ?? true;
    const { onLog, onMetaStep } = options.callbacks ?? {};
    this.log = new TrainingLog({ optimizer, stopwatch: this.stopwatch, lastStep: plan.lastStep, onLog });
    this.stopListening = onMetaStep && optimizer.onMetaStep(onMetaStep);
  }

  async run(): Promise<TrainResult> {
    const { callbacks, restoreBestWeights } = this.options;
    await this.stopwatch.pause(() => this.begin());
    const startStep = this.step;
    const stopped = await this.loop();
    const { seconds } = this.stopwatch;
    if (stopped !== 'non-finite') await this.checkpoint();
    if (restoreBestWeights) this.best.restore();
    const result: TrainResult = {
      steps: this.step,
      epochs: this.plan.finishedEpochs(this.step),
      lastLoss: this.log.lastLoss,
      lastMetrics: this.lastMetrics,
      bestMetric: this.early?.best,
      stopped,
      stepsPerSecond: speed(this.step - startStep, seconds),
      failed: this.log.failed,
      learningRates: await this.optimizer.learningRates(),
    };
    await callbacks?.onEnd?.(result);
    return result;
  }

  async close(): Promise<void> {
    this.stopListening?.();
    await this.log.close();
    this.feed.release();
    this.best.dispose();
  }

  private async begin(): Promise<void> {
    const { callbacks, resume } = this.options;
    if (resume) await this.resume(resume);
    this.requireStepsLeft();
    this.log.begin(this.step);
    await callbacks?.onStart?.({ step: this.step, steps: this.plan.lastStep });
  }

  private requireStepsLeft(): void {
    const { step, plan } = this;
    requireArgument(
      step <= plan.lastStep,
      () =>
        `${step} steps are already taken, but the run ends at step ${plan.lastStep}; give more steps or epochs.`,
    );
  }

  private async loop(): Promise<TrainResult['stopped']> {
    const giveWay = createYielder();
    while (this.step < this.plan.lastStep && !this.options.signal?.aborted) {
      // What earlier steps logged is read while this step is computed, and waited for afterwards, so that neither the order
      // of reports nor the step at which a run with a non-finite loss stops depends on timing.
      const earlier = this.log.flush();
      await this.takeStep();
      await (this.needsSettling() ? this.settle() : earlier);
      if (this.hasFailed()) return 'non-finite';
      if (await this.afterStep()) return 'early';
      await giveWay();
    }
    await this.settle();
    if (this.hasFailed()) return 'non-finite';
    return this.step < this.plan.lastStep ? 'aborted' : 'steps';
  }

  private hasFailed(): boolean {
    return this.stopOnNonFinite && this.log.failed !== undefined;
  }

  private async takeStep(): Promise<void> {
    const { batch, other } = await this.feed.next();
    const step = this.step + 1;
    const returnLoss = step === 1 || step % this.plan.logEvery === 0 || step === this.plan.lastStep;
    await this.optimizer.prepare?.(batch);
    const loss = this.optimizer.step(batch, other, { returnLoss });
    this.step = step;
    if (loss) this.log.record(step, this.position().epoch, loss);
    await this.options.callbacks?.onStep?.(this.position());
  }

  /** Waits until everything read so far has been reported, in order. */
  private async settle(): Promise<void> {
    await this.log.flush();
    if (this.stopListening) await this.optimizer.flush();
  }

  private evaluatesNow(): boolean {
    const { step, plan, options } = this;
    return options.evaluate !== undefined && (plan.evaluateAt(step) || step === plan.lastStep);
  }

  private needsSettling(): boolean {
    const { step, plan } = this;
    return this.evaluatesNow() || plan.checkpointAt(step) || step === plan.lastStep;
  }

  /** Evaluation, end of an epoch, checkpoint; true when early stopping says so. */
  private async afterStep(): Promise<boolean> {
    const { plan, step } = this;
    const stop = this.evaluatesNow() && (await this.evaluate());
    if (plan.finishedEpochs(step) > plan.finishedEpochs(step - 1)) {
      await this.options.callbacks?.onEpochEnd?.({ step, epoch: plan.finishedEpochs(step) });
    }
    if (plan.checkpointAt(step)) await this.checkpoint();
    return stop;
  }

  private async evaluate(): Promise<boolean> {
    const { evaluate, callbacks, restoreBestWeights } = this.options;
    const metrics = await this.stopwatch.pause(async () => evaluate!());
    this.lastMetrics = metrics;
    const { improved, stop } = this.early?.update(metrics) ?? { improved: false, stop: false };
    if (improved && restoreBestWeights) this.best.capture();
    await callbacks?.onEvaluate?.({ ...this.position(), metrics, improved });
    return stop;
  }

  private async checkpoint(): Promise<void> {
    const { onCheckpoint, checkpointValues } = this.options;
    if (!onCheckpoint || this.checkpointed === this.step) return;
    await this.stopwatch.pause(async () => {
      const feed = this.feed.state();
      const progress: Progress = { step: this.step, feed, early: this.early?.state() ?? null };
      const bytes = await writeTraining(this.optimizer, {
        source: feed.source,
        extra: checkpointValues?.() ?? {},
        progress: { ...progress },
        tensors: this.best.tensors,
      });
      await onCheckpoint(bytes, { step: this.step });
    });
    this.checkpointed = this.step;
  }

  private async resume(bytes: Uint8Array): Promise<void> {
    const { source, fsdSource, restoreBestWeights } = this.options;
    const opened = openTraining(bytes, this.optimizer);
    try {
      const progress = opened.progress as Progress | null;
      this.step = progress?.step ?? opened.steps;
      this.requireStepsLeft();
      applyTraining(opened, this.optimizer, [
        [source, opened.source],
        ...(fsdSource ? [[fsdSource, progress?.feed.other ?? null] as const] : []),
      ]);
      if (progress) await this.feed.redraw(progress.feed);
      if (progress?.early) this.early?.restore(progress.early);
      if (restoreBestWeights && Object.keys(opened.tensors).length > 0) this.best.capture(opened.tensors);
    } finally {
      opened.dispose();
    }
  }

  /** The epoch of the current step: one more than were finished before it. */
  private position(): TrainPosition {
    return { step: this.step, epoch: this.plan.finishedEpochs(this.step - 1) + 1 };
  }
}
