/**
 * A callback for `fit` and `fitDataset` that puts the learning rate and Q's three terms into the logs, where callbacks after
 * it (tfjs-vis, TensorBoard, `History`) find them. A plain object: nothing of tfjs-layers is loaded for it.
 */
import { requireArgument } from '../errors.js';
import type { MetaStepStatistics } from '../optimizer.js';

/** What the logger reads: an optimizer of this package, or what `attachApo` returned. */
export interface ApoLoggerSource {
  learningRates(): Promise<Record<string, number>>;
  onMetaStep(listener: (statistics: MetaStepStatistics) => void): () => void;
  flush(): Promise<void>;
}

export interface ApoLoggerOptions {
  /** Read and log after every batch (which waits for the device once per batch, as tfjs's own batch callbacks do) or only at epoch ends. Default `batch`. */
  readonly every?: 'batch' | 'epoch';
}

/** One reading. */
export interface ApoLogEntry {
  /** From 0, as tfjs counts. */
  readonly epoch: number;
  /** From 0 within the epoch; absent for the reading at the end of an epoch. */
  readonly batch?: number;
  /** By group (`all` when there is one). */
  readonly learningRates: Readonly<Record<string, number>>;
  /** The latest meta-step; absent before the first. */
  readonly metaStep?: MetaStepStatistics;
}

type Logs = Record<string, number>;

/** Fits `tf.CustomCallbackArgs`, and also works inside a list that begins with a `tf.Callback` such as `tf.callbacks.earlyStopping()`. */
export interface ApoLogger {
  /** Every reading since the logger was made, oldest first. */
  readonly history: readonly ApoLogEntry[];
  onTrainBegin(logs?: Logs): void;
  onTrainEnd(logs?: Logs): void;
  onEpochBegin(epoch: number, logs?: Logs): void;
  onEpochEnd(epoch: number, logs?: Logs): Promise<void>;
  onBatchBegin(batch: number, logs?: Logs): void;
  onBatchEnd(batch: number, logs?: Logs): Promise<void>;
  setParams(params: unknown): void;
  setModel(model: unknown): void;
}

/**
 * Adds to `logs` at the end of each batch and epoch: `learningRate` (with several groups the geometric mean, and each group
 * as `learningRate_NAME`), and from the latest meta-step `q`, `qLoss`, `qFsd` and `qWsd` (absent before the first).
 *
 * tfjs hands one `logs` object to all callbacks in order, so those listed *after* this one see the values, and so does the
 * `History` that `fit` returns (epoch ends only, where it holds the last values rather than means). tfjs treats a list of
 * callbacks by its first item: among plain objects put the logger first; beside `tf.Callback` instances put one of those
 * first, or tfjs takes them for plain objects and they break.
 *
 * Listens from `onTrainBegin` to `onTrainEnd`; nothing is read outside that.
 * @throws ApoError `INVALID_ARGUMENT` when `source` is neither an optimizer nor an attachment.
 */
export function apoLogger(source: ApoLoggerSource, { every = 'batch' }: ApoLoggerOptions = {}): ApoLogger {
  requireSource(source);
  requireArgument(
    (['batch', 'epoch'] as readonly string[]).includes(every),
    () => `every is ${every}; expected 'batch' or 'epoch'.`,
  );
  const history: ApoLogEntry[] = [];
  let epoch = 0;
  let metaStep: MetaStepStatistics | undefined;
  let stop: (() => void) | undefined;

  const listen = (): void => {
    stop?.();
    stop = source.onMetaStep((statistics) => {
      metaStep = statistics;
    });
  };
  const silence = (): void => {
    stop?.();
    stop = undefined;
  };
  const read = async (logs: Logs | undefined, batch?: number): Promise<void> => {
    await source.flush();
    const learningRates = await source.learningRates();
    history.push({
      epoch,
      ...(batch !== undefined && { batch }),
      learningRates,
      ...(metaStep && { metaStep }),
    });
    if (logs) Object.assign(logs, logValues(learningRates, metaStep));
  };

  return {
    history,
    onTrainBegin: listen,
    onTrainEnd: silence,
    onEpochBegin(index) {
      epoch = index;
    },
    async onEpochEnd(index, logs) {
      epoch = index;
      await read(logs);
    },
    onBatchBegin: nothing,
    async onBatchEnd(batch, logs) {
      if (every === 'batch') await read(logs, batch);
    },
    setParams: nothing,
    setModel: nothing,
  };
}

function nothing(): void {
  // tfjs calls these on every callback; there is nothing to do.
}

function logValues(learningRates: Readonly<Record<string, number>>, metaStep?: MetaStepStatistics): Logs {
  const logs: Logs = {};
  const rates = Object.entries(learningRates);
  if (rates.length > 0) {
    const meanLog = rates.reduce((sum, [, rate]) => sum + Math.log(rate), 0) / rates.length;
    logs['learningRate'] = rates.length === 1 ? rates[0]![1] : Math.exp(meanLog);
  }
  if (rates.length > 1) for (const [group, rate] of rates) logs[`learningRate_${group}`] = rate;
  return metaStep
    ? { ...logs, q: metaStep.q, qLoss: metaStep.loss, qFsd: metaStep.fsd, qWsd: metaStep.wsd }
    : logs;
}

function requireSource(source: unknown): asserts source is ApoLoggerSource {
  const given = source as Partial<Record<keyof ApoLoggerSource, unknown>> | null | undefined;
  const missing = (['learningRates', 'onMetaStep', 'flush'] as const).filter(
    (name) => typeof given?.[name] !== 'function',
  );
  requireArgument(
    missing.length === 0,
    () =>
      `apoLogger was given something without ${missing.join(', ')}; pass an optimizer or what attachApo(model, rule) returned.`,
  );
}
