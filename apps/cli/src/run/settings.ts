/** The options of a run: checked against the task, completed by its defaults, and recorded so that a resumed run has the same. */
import { ApoError, requireArgument } from '@apo/core';
import type { Task } from '@apo/tasks';
import type { EngineName } from '../engines.js';
import { baselineDefaults, baselineOptionNames } from '../optimizers/baseline-settings.js';
import { defined } from '../optimizers/defined.js';
import { flag } from '../optimizers/flag.js';
import { isBaseline, parseOptimizerName, usualRate } from '../optimizers/names.js';
import {
  checkOptimizerSettings,
  metaOptionNames,
  preconditionerOptionNames,
} from '../optimizers/settings.js';
import type { OptimizerSettings } from '../optimizers/settings.js';

/** What the user asked for; everything but the names has a default. */
export interface RunSettings extends OptimizerSettings {
  readonly task: string;
  /** The last step, counted from the very first one; this or `epochs`. */
  readonly steps?: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly engine?: EngineName;
  readonly threads?: number;
  readonly logEvery: number;
  readonly evaluateEvery?: number;
  readonly checkpointEvery: number;
}

/** Settings that decide every bit of a run; a resumed run must have the same. */
const identity: readonly (keyof RunSettings)[] = [
  'task',
  'optimizer',
  'seed',
  'batchSize',
  'learningRate',
  'momentum',
  'nesterov',
  'weightDecay',
  ...metaOptionNames,
  ...preconditionerOptionNames,
  ...baselineOptionNames,
  'precision',
  'masterCopies',
  'engine',
  'threads',
];

/** Settings that a resumed run takes over unless they are given again. */
const inherited: readonly (keyof RunSettings)[] = [
  ...identity,
  'steps',
  'epochs',
  'logEvery',
  'evaluateEvery',
  'checkpointEvery',
];

/** A complete run: `steps` is the last step. */
export interface ResolvedSettings extends RunSettings {
  readonly steps: number;
  readonly batchSize: number;
}

/**
 * Fills in the defaults of the task and of the optimizer.
 * @param batchesPerEpoch Batches that one pass over the training set has, or `Infinity`.
 * @throws ApoError `INVALID_ARGUMENT` for options that contradict each other.
 */
export function resolveSettings(
  settings: RunSettings,
  { defaults }: Pick<Task, 'defaults'>,
  batchesPerEpoch: (batchSize: number) => number,
): ResolvedSettings {
  checkOptimizerSettings(settings);
  const { base, adapted } = parseOptimizerName(settings.optimizer);
  const { batchSize = defaults.batchSize } = settings;
  const { epochs, ...withoutEpochs } = {
    ...(isBaseline(base) && baselineDefaults(base, settings)),
    ...settings,
  };
  return {
    ...withoutEpochs,
    ...(adapted && { preset: settings.preset ?? 'auto' }),
    // A preconditioner brings its own defaults of these.
    ...(adapted &&
      base !== 'precond' && {
        interval: settings.interval ?? defaults.interval,
        lambdaFsd: settings.lambdaFsd ?? 0.3,
        lambdaWsd: settings.lambdaWsd ?? 0,
      }),
    batchSize,
    ...defined({ learningRate: settings.learningRate ?? usualRate(base) }),
    steps:
      epochs === undefined ? (settings.steps ?? defaults.steps) : stepsOf(epochs, batchesPerEpoch(batchSize)),
  };
}

/** `steps` and `epochs` together say the same thing twice. @throws ApoError `INVALID_ARGUMENT`. */
export function requireOneLength({ steps, epochs }: Pick<RunSettings, 'steps' | 'epochs'>): void {
  requireArgument(
    steps === undefined || epochs === undefined,
    () => '--steps and --epochs both say how long the run is; give one of them.',
  );
}

function stepsOf(epochs: number, batches: number): number {
  requireArgument(
    Number.isFinite(batches),
    () => '--epochs is given, but this task has no epochs; give --steps instead.',
  );
  return epochs * batches;
}

/** Plain values for the checkpoint and the summary; what was not given is left out. */
export function recordSettings(settings: RunSettings): Record<string, string | number | boolean> {
  const record: Record<string, string | number | boolean> = {};
  for (const name of inherited) {
    const value = settings[name];
    if (value === undefined) continue;
    record[name] = typeof value === 'object' ? `${value.factor}` : value;
  }
  return record;
}

/**
 * The settings of a resumed run: those of the checkpoint, with the length and the frequencies that are given now.
 * @param given Only what stands on the command line.
 * @throws ApoError `INVALID_ARGUMENT` when something given would make it another run.
 */
export function resumeSettings(
  recorded: Readonly<Record<string, unknown>>,
  given: Partial<RunSettings> & Pick<RunSettings, 'task'>,
): RunSettings {
  const now = recordSettings({ ...placeholders, ...given });
  for (const name of identity) {
    if (given[name] === undefined || now[name] === recorded[name]) continue;
    throw new ApoError(
      'INVALID_ARGUMENT',
      `${name === 'task' ? 'The task' : flag(name)} is ${String(now[name])}, but the run was started with ${describe(recorded[name])}; leave it out, or start a new run in another --out.`,
    );
  }
  const { lookahead, ...others } = recorded;
  const length = given.steps !== undefined || given.epochs !== undefined ? { steps: undefined } : {};
  const merged = {
    ...others,
    ...(typeof lookahead === 'string' && { lookahead: parseLookahead(lookahead) }),
    ...length,
    ...given,
  };
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== undefined),
  ) as unknown as RunSettings;
}

/** Never recorded as such: `resumeSettings` only looks at names that were given. */
const placeholders = { optimizer: 'sgd', seed: 0, logEvery: 1, checkpointEvery: 1 } as const;

function describe(value: unknown): string {
  return value === undefined ? 'its default' : JSON.stringify(value);
}

/** `step`, `committed` or a factor. @throws ApoError `INVALID_ARGUMENT`. */
export function parseLookahead(text: string): NonNullable<RunSettings['lookahead']> {
  if (text === 'step' || text === 'committed') return text;
  const factor = text.trim() === '' ? Number.NaN : Number(text);
  requireArgument(
    Number.isFinite(factor) && factor > 0,
    () => `--lookahead is "${text}"; expected step, committed, or a factor > 0.`,
  );
  return { factor };
}
