/** Optimizers by the names of the command line: `sgd`, `sgdm`, `rmsprop`, `adam`, `adamw`, and each with `-apo`. */
import {
  adam,
  adamw,
  Apo,
  ApoError,
  metaRmsprop,
  momentum,
  requireArgument,
  rmsprop,
  RuleOptimizer,
  sgd,
} from '@apo/core';
import type { ApoOptions, Lookahead, Objective, Optimizer, Preset, UpdateRule } from '@apo/core';

export const baseNames = ['sgd', 'sgdm', 'rmsprop', 'adam', 'adamw'] as const;
export type BaseName = (typeof baseNames)[number];
export type OptimizerName = BaseName | `${BaseName}-apo`;
export const optimizerNames: readonly OptimizerName[] = [
  ...baseNames,
  ...baseNames.map((name) => `${name}-apo` as const),
];

/** What each base optimizer is, and its usual fixed learning rate. */
export const baseOptimizers: Readonly<
  Record<BaseName, { readonly title: string; readonly learningRate: number }>
> = {
  sgd: { title: 'stochastic gradient descent', learningRate: 0.01 },
  sgdm: { title: 'SGD with heavy-ball momentum', learningRate: 0.01 },
  rmsprop: { title: 'RMSprop', learningRate: 0.001 },
  adam: { title: 'Adam', learningRate: 0.001 },
  adamw: { title: 'Adam with decoupled weight decay', learningRate: 0.001 },
};

/** Options of the base rule. */
export interface RuleSettings {
  readonly learningRate?: number;
  /** `sgdm` and `rmsprop`. */
  readonly momentum?: number;
  /** `sgdm`. */
  readonly nesterov?: boolean;
  /** `adamw`. */
  readonly weightDecay?: number;
}

/** Options of the meta-objective; only for `*-apo`. */
export interface MetaSettings {
  readonly preset?: Preset;
  readonly lambdaFsd?: number;
  readonly lambdaWsd?: number;
  readonly interval?: number;
  readonly denseSteps?: number;
  readonly metaLearningRate?: number;
  readonly lookahead?: Lookahead;
  readonly calibrate?: boolean;
  readonly reject?: boolean;
  readonly backtrack?: boolean;
  readonly fsdBatch?: 'same' | 'other';
  readonly lossBatch?: 'same' | 'other';
}

export interface OptimizerSettings extends RuleSettings, MetaSettings {
  readonly optimizer: OptimizerName;
  /** Of dropout masks and other random layers. */
  readonly seed: number;
}

/** All of `MetaSettings`. */
export const metaOptionNames = [
  'preset',
  'lambdaFsd',
  'lambdaWsd',
  'interval',
  'denseSteps',
  'metaLearningRate',
  'lookahead',
  'calibrate',
  'reject',
  'backtrack',
  'fsdBatch',
  'lossBatch',
] as const satisfies readonly (keyof MetaSettings)[];

const momentumRules: ReadonlySet<BaseName> = new Set(['sgdm', 'rmsprop']);

/** `rmsprop` of `rmsprop-apo`, and whether it is adapted. */
export function parseOptimizerName(name: OptimizerName): {
  readonly base: BaseName;
  readonly adapted: boolean;
} {
  const adapted = name.endsWith('-apo');
  return { base: (adapted ? name.slice(0, -'-apo'.length) : name) as BaseName, adapted };
}

/** Refuses options that the optimizer would ignore. @throws ApoError `INVALID_ARGUMENT`. */
export function checkOptimizerSettings(settings: OptimizerSettings): void {
  const { base, adapted } = parseOptimizerName(settings.optimizer);
  for (const name of metaOptionNames) {
    requireArgument(
      adapted || settings[name] === undefined,
      () =>
        `${flag(name)} belongs to the meta-objective, which ${settings.optimizer} does not have; use --optimizer ${settings.optimizer}-apo.`,
    );
  }
  requireArgument(
    settings.momentum === undefined || momentumRules.has(base),
    () => `--momentum is given, but ${base} takes none; use sgdm or rmsprop.`,
  );
  requireArgument(
    settings.nesterov !== true || base === 'sgdm',
    () => `--nesterov is given, but ${base} has no such form; use sgdm.`,
  );
  requireArgument(
    settings.weightDecay === undefined || base === 'adamw',
    () => `--weight-decay is given, but ${base} has no decoupled decay; use adamw.`,
  );
}

/** `lambdaFsd` → `--lambda-fsd`. */
export function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Builds the optimizer. @throws ApoError `INVALID_ARGUMENT` or `UNSUPPORTED`. */
export function createOptimizer<B>(objective: Objective<B>, settings: OptimizerSettings): Optimizer<B> {
  checkOptimizerSettings(settings);
  const { base, adapted } = parseOptimizerName(settings.optimizer);
  const rule = createRule(base, settings);
  const { seed } = settings;
  return adapted
    ? new Apo(objective, rule, { ...metaOptions(settings), seed })
    : new RuleOptimizer(objective, rule, { seed });
}

function createRule(base: BaseName, settings: RuleSettings): UpdateRule {
  const { momentum: mu, nesterov, weightDecay } = settings;
  const learningRate = settings.learningRate ?? baseOptimizers[base].learningRate;
  const withMomentum = { learningRate, ...(mu !== undefined && { momentum: mu }) };
  switch (base) {
    case 'sgd':
      return sgd({ learningRate });
    case 'sgdm':
      return momentum({ ...withMomentum, ...(nesterov !== undefined && { nesterov }) });
    case 'rmsprop':
      return rmsprop(withMomentum);
    case 'adam':
      return adam({ learningRate });
    case 'adamw':
      return adamw({ learningRate, ...(weightDecay !== undefined && { weightDecay }) });
    default:
      base satisfies never;
      throw new ApoError('INVALID_ARGUMENT', `Unknown optimizer "${String(base)}".`);
  }
}

/** A meta-learning rate keeps the other settings of the preset's RMSprop. */
function metaOptions({ metaLearningRate, ...settings }: MetaSettings): ApoOptions {
  const { preset = 'auto', lambdaFsd, lambdaWsd, interval, denseSteps } = settings;
  const { lookahead, calibrate, reject, backtrack, fsdBatch, lossBatch } = settings;
  const presetMeta = preset === 'auto' ? { decay: 0.9, biasCorrection: true } : {};
  return {
    preset,
    ...(lambdaFsd !== undefined && { lambdaFsd }),
    ...(lambdaWsd !== undefined && { lambdaWsd }),
    ...(interval !== undefined && { interval }),
    ...(denseSteps !== undefined && { denseSteps }),
    ...(lookahead !== undefined && { lookahead }),
    ...(calibrate !== undefined && { calibrate }),
    ...(reject !== undefined && { reject }),
    ...(backtrack !== undefined && { backtrack }),
    ...(fsdBatch !== undefined && { fsdBatch }),
    ...(lossBatch !== undefined && { lossBatch }),
    ...(metaLearningRate !== undefined && {
      metaOptimizer: metaRmsprop({ learningRate: metaLearningRate, ...presetMeta }),
    }),
  };
}
