/** One run from its settings to its files: trains a task with an optimizer, logs, checkpoints, and evaluates at the end. */
import { decodeCheckpoint, requireArgument, train } from '@apo/core';
import type { BackendInfo, Optimizer, TrainResult } from '@apo/core';
import type { Task, TaskInstance } from '@apo/tasks';
import * as tf from '@tensorflow/tfjs-core';
import { writeFileAtomic } from '../atomic-file.js';
import { withoutGreeting } from '../greeting.js';
import { createOptimizer } from '../optimizers/create.js';
import type { Progress, ProgressState } from '../progress/state.js';
import { abandonDirectory, continueDirectory, startDirectory } from './directory.js';
import type { RunFiles } from './directory.js';
import { MetricsLog, finite } from './metrics-log.js';
import { MetricsWriter } from './metrics.js';
import { recordSettings } from './settings.js';
import type { ResolvedSettings } from './settings.js';
import { writeSummary } from './summary.js';
import type { Summary } from './summary.js';
import { TrainingClock } from './training-clock.js';

export interface ExperimentContext {
  readonly task: Task;
  readonly instance: TaskInstance;
  readonly engine: BackendInfo;
  readonly files: RunFiles;
  readonly progress: Progress;
  /** Ends the run after the current step, with a checkpoint. */
  readonly signal: AbortSignal;
  /** The bytes of a checkpoint of the same run, to continue from. */
  readonly resume?: Uint8Array;
}

export type Outcome =
  | { readonly status: 'finished' | 'failed'; readonly summary: Summary }
  | { readonly status: 'interrupted'; readonly step: number };

/** What the program stores in a checkpoint beside the trainer's own state. */
export interface CheckpointValues {
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly trainingSeconds: number;
  readonly step: number;
}

/** Reads the program's own values of a checkpoint. @throws ApoError `DATA_CORRUPT` or `CHECKPOINT_MISMATCH`. */
export function readCheckpointValues(bytes: Uint8Array): CheckpointValues {
  const { tensors, values } = withoutGreeting(() => decodeCheckpoint(bytes));
  tf.dispose(Object.values(tensors));
  const extra = values['extra'] as Partial<CheckpointValues> | undefined;
  requireArgument(
    extra?.settings !== undefined && typeof extra.step === 'number',
    () => 'The checkpoint was not written by apo run; start a new run in another --out.',
  );
  return { trainingSeconds: 0, ...extra } as CheckpointValues;
}

/** Trains until the last step, an interrupt or a non-finite loss. The files are written; the instance stays the caller's. */
export async function runExperiment(
  settings: ResolvedSettings,
  context: ExperimentContext,
): Promise<Outcome> {
  const { instance, files, resume } = context;
  const optimizer = createOptimizer(instance.objective, settings, (text) => context.progress.detail(text));
  let writer: MetricsWriter | undefined;
  try {
    const earlier = resume && readCheckpointValues(resume);
    if (earlier === undefined) startDirectory(files);
    else continueDirectory(files, earlier.step, settings.steps);
    writer = new MetricsWriter(files.metrics, earlier?.step ?? 0);
    const clock = new TrainingClock(earlier?.trainingSeconds);
    const result = await trainAndLog(settings, context, optimizer, writer, clock);
    if (result.stopped === 'aborted') return { status: 'interrupted', step: result.steps };
    const summary = await summarize(settings, context, optimizer, result, clock.seconds);
    writeSummary(files.directory, summary);
    return { status: summary.failed ? 'failed' : 'finished', summary };
  } catch (error) {
    writer?.close();
    // Options that only the first step can refuse leave nothing behind either.
    if (writer !== undefined && resume === undefined && optimizer.steps === 0) abandonDirectory(files);
    throw error;
  } finally {
    context.progress.stop();
    writer?.close();
    optimizer.dispose();
  }
}

async function trainAndLog(
  settings: ResolvedSettings,
  { instance, files, progress, signal, resume }: ExperimentContext,
  optimizer: Optimizer<unknown>,
  writer: MetricsWriter,
  clock: TrainingClock,
): Promise<TrainResult> {
  const source = instance.trainSource(settings.seed, settings.batchSize);
  const { steps, logEvery, evaluateEvery, checkpointEvery } = settings;
  const { batchesPerEpoch } = source;
  const log = new MetricsLog({
    logEvery,
    lastStep: steps,
    batchesPerEpoch,
    write: (line) => writer.write(line),
  });
  let accuracy: number | undefined;
  let shown: ProgressState | undefined;
  return train({
    optimizer,
    source,
    steps,
    signal,
    // The loss is read at every step: on CPU engines that costs nothing, and a divergence is seen at once.
    logEvery: 1,
    ...(evaluateEvery !== undefined && { evaluateEvery }),
    async evaluate() {
      const evaluation = await instance.evaluate('test');
      const { loss } = evaluation;
      return { loss, ...(evaluation.accuracy !== undefined && { accuracy: evaluation.accuracy }) };
    },
    checkpointEvery,
    checkpointValues: () => ({
      settings: recordSettings(settings),
      trainingSeconds: clock.seconds,
      step: optimizer.steps,
    }),
    onCheckpoint(bytes, { step }) {
      log.writeThrough(step);
      writeFileAtomic(files.checkpoint, bytes);
      clock.restart();
    },
    callbacks: {
      onStart: () => clock.restart(),
      onStep({ step }) {
        clock.step();
        // The trainer has reported everything about a step when the step after the next one ends.
        log.writeThrough(step - 2);
      },
      onMetaStep: (statistics) => log.onMetaStep(statistics),
      onLog(entry) {
        log.onLog(entry);
        shown = {
          step: entry.step,
          steps,
          loss: entry.loss,
          // A method without a learning rate has none to show.
          ...(Object.keys(entry.learningRates).length > 0 && { learningRate: entry.learningRate }),
          ...(accuracy !== undefined && { testAccuracy: accuracy }),
          stepsPerSecond: entry.step / clock.seconds,
          secondsLeft: entry.timeLeft,
        };
        progress.update(shown);
      },
      onEvaluate({ step, metrics }) {
        accuracy = metrics['accuracy'];
        log.onEvaluation(step, metrics['loss']!, accuracy);
        if (shown !== undefined && accuracy !== undefined)
          progress.update({ ...shown, testAccuracy: accuracy });
        clock.restart();
      },
      onEnd: ({ steps: last }) => log.writeThrough(last),
    },
    ...(resume && { resume }),
  });
}

async function summarize(
  settings: ResolvedSettings,
  { task, instance, engine }: ExperimentContext,
  optimizer: Optimizer<unknown>,
  result: TrainResult,
  trainingSeconds: number,
): Promise<Summary> {
  const onTrain = await instance.evaluate('train', task.defaults.trainLossExamples);
  const onTest = await instance.evaluate('test');
  const statistics = await optimizer.statistics();
  const reason =
    result.failed !== undefined
      ? `The loss became ${result.failed.loss} at step ${result.failed.step}.`
      : Number.isFinite(onTrain.loss)
        ? undefined
        : `The training loss after the last step is ${onTrain.loss}.`;
  return {
    task: settings.task,
    optimizer: settings.optimizer,
    engine: engine.name,
    seed: settings.seed,
    steps: result.steps,
    trainLoss: finite(onTrain.loss),
    testAccuracy: onTest.accuracy ?? null,
    learningRate: finite(globalRate(Object.values(result.learningRates))),
    stepsPerSecond: trainingSeconds > 0 ? result.steps / trainingSeconds : 0,
    metaSteps: statistics.metaSteps,
    rejected: statistics.rejected,
    failed: reason !== undefined,
    ...(reason !== undefined && { reason }),
    testLoss: task.kind === 'function' ? null : finite(onTest.loss),
    trainingSeconds,
    finishedAt: new Date().toISOString(),
    options: { ...recordSettings(settings), engine: engine.name, threads: engine.threads },
  };
}

/** The geometric mean, and exactly the rate when there is one. */
function globalRate(rates: readonly number[]): number {
  if (rates.length === 1) return rates[0]!;
  return Math.exp(rates.reduce((sum, rate) => sum + Math.log(rate), 0) / rates.length);
}
