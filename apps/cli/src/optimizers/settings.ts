/** Options of an optimizer on the command line, and which optimizer takes which. */
import { requireArgument } from '@apo/core';
import type { Lookahead, Precision, Preset } from '@apo/core';
import { checkBaselineSettings } from './baseline-settings.js';
import type { BaselineSettings } from './baseline-settings.js';
import { flag } from './flag.js';
import { isBaseline, parseOptimizerName, usualRate } from './names.js';
import type { MethodName, OptimizerName } from './names.js';

/** Options of the base rule, which baselines share. */
export interface RuleSettings {
  /** Of `apo-precond`: P₀ = learningRate · I. */
  readonly learningRate?: number;
  /** `sgdm`, `rmsprop`, `apo-precond`, `kfac`, `ekfac` and `shampoo`. */
  readonly momentum?: number;
  /** `sgdm`. */
  readonly nesterov?: boolean;
  /** Decoupled for `adamw`, `apo-precond` and `prodigy`; part of the gradient for `kfac`, `ekfac` and `shampoo`. */
  readonly weightDecay?: number;
}

/** Options of the meta-objective; only for the adapted ones, but `proximal-point` has the two λ too. */
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
  readonly scale?: number;
  /** 0 for none. */
  readonly warmupSteps?: number;
  readonly warmupOptimizer?: WarmupName;
  readonly warmupLearningRate?: number;
}

export const warmupNames = ['sgdm', 'adam'] as const;
export type WarmupName = (typeof warmupNames)[number];

/** The Kronecker-factored forms, and one dense matrix over all parameters: P = C Cᵀ (`dense`) or P itself (`dense-raw`). */
export const preconditionerForms = ['low-rank', 'full', 'block', 'diagonal', 'dense', 'dense-raw'] as const;
export const learnedScales = ['global', 'layer', 'none'] as const;

/** Options of the preconditioner; only for `apo-precond`, but `shampoo` has a `maxBlockSize` too. */
export interface PreconditionerSettings {
  readonly form?: (typeof preconditionerForms)[number];
  readonly rank?: number;
  readonly blockSize?: number;
  readonly maxBlockSize?: number;
  readonly learnedScale?: (typeof learnedScales)[number];
  readonly metaBeta2?: number;
  readonly metaEpsilon?: number;
}

export interface OptimizerSettings
  extends RuleSettings, MetaSettings, PreconditionerSettings, BaselineSettings {
  readonly optimizer: OptimizerName;
  /** Of dropout masks and other random layers. */
  readonly seed: number;
  /** 16-bit weights, activations and gradients. */
  readonly precision?: Precision;
  /** Weights and optimizer state stay in float32 beside their 16-bit values. */
  readonly masterCopies?: boolean;
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
  'scale',
  'warmupSteps',
  'warmupOptimizer',
  'warmupLearningRate',
] as const satisfies readonly (keyof MetaSettings)[];

/** All of `PreconditionerSettings`. */
export const preconditionerOptionNames = [
  'form',
  'rank',
  'blockSize',
  'maxBlockSize',
  'learnedScale',
  'metaBeta2',
  'metaEpsilon',
] as const satisfies readonly (keyof PreconditionerSettings)[];

const momentumMethods: ReadonlySet<MethodName> = new Set([
  'sgdm',
  'rmsprop',
  'precond',
  'kfac',
  'ekfac',
  'shampoo',
]);
const decayMethods: ReadonlySet<MethodName> = new Set([
  'adamw',
  'precond',
  'kfac',
  'ekfac',
  'shampoo',
  'prodigy',
]);
/** Options of the meta-objective and of the preconditioner that a baseline has as well. */
const sharedOptions: Partial<Record<MethodName, readonly (keyof OptimizerSettings)[]>> = {
  'proximal-point': ['lambdaFsd', 'lambdaWsd'],
  shampoo: ['maxBlockSize'],
};

/** Refuses options that the optimizer would ignore. @throws ApoError `INVALID_ARGUMENT`. */
export function checkOptimizerSettings(settings: OptimizerSettings): void {
  const { optimizer } = settings;
  const { base, adapted } = parseOptimizerName(optimizer);
  const shared = sharedOptions[base] ?? [];
  for (const name of metaOptionNames) {
    requireArgument(
      adapted || settings[name] === undefined || shared.includes(name),
      () =>
        `${flag(name)} belongs to the meta-objective, which ${optimizer} does not have; use ${isBaseline(base) ? 'an optimizer whose name has apo in it' : `--optimizer ${optimizer}-apo`}.`,
    );
  }
  for (const name of preconditionerOptionNames) {
    requireArgument(
      base === 'precond' || settings[name] === undefined || shared.includes(name),
      () =>
        `${flag(name)} belongs to the preconditioner, which ${optimizer} does not have; use --optimizer apo-precond.`,
    );
  }
  requireArgument(
    settings.learningRate === undefined || !isBaseline(base) || usualRate(base) !== undefined,
    () =>
      `--learning-rate is given, but ${base} has none; its step follows from --${base === 'proximal-point' ? 'lambda-fsd and --lambda-wsd' : 'damping'}.`,
  );
  requireArgument(
    settings.momentum === undefined || momentumMethods.has(base),
    () => `--momentum is given, but ${base} takes none; use ${namesOf(momentumMethods)}.`,
  );
  requireArgument(
    settings.nesterov !== true || base === 'sgdm',
    () => `--nesterov is given, but ${base} has no such form; use sgdm.`,
  );
  requireArgument(
    settings.weightDecay === undefined || decayMethods.has(base),
    () => `--weight-decay is given, but ${base} has no decay; use ${namesOf(decayMethods)}.`,
  );
  requireArgument(
    settings.precision === undefined || !isBaseline(base),
    () => `--precision is given, but ${base} computes in float32; use an optimizer of the other kinds.`,
  );
  requireArgument(
    settings.masterCopies !== true || settings.precision !== undefined,
    () => '--master-copies is given without --precision; without it everything is float32 anyway.',
  );
  checkBaselineSettings(base, settings);
  if (base === 'precond') checkForm(settings);
}

function namesOf(methods: ReadonlySet<MethodName>): string {
  return [...methods].map((method) => (method === 'precond' ? 'apo-precond' : method)).join(', ');
}

/** Which form takes which of the other options of the preconditioner. */
function checkForm({ form = 'low-rank', ...settings }: PreconditionerSettings): void {
  const dense = form === 'dense' || form === 'dense-raw';
  const usable: Readonly<Record<'rank' | 'blockSize' | 'maxBlockSize', boolean>> = {
    rank: form === 'low-rank',
    blockSize: form === 'block',
    maxBlockSize: form === 'full',
  };
  for (const name of ['rank', 'blockSize', 'maxBlockSize'] as const) {
    requireArgument(
      settings[name] === undefined || usable[name],
      () =>
        `${flag(name)} is given, but --form ${form} has none; it belongs to --form ${name === 'rank' ? 'low-rank' : name === 'blockSize' ? 'block' : 'full'}.`,
    );
  }
  requireArgument(
    !dense || settings.learnedScale !== 'layer',
    () =>
      `--learned-scale layer is given, but --form ${form} is one block for all layers; use global or none.`,
  );
}
