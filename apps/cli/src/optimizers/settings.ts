/** Options of an optimizer on the command line, and which optimizer takes which. */
import { requireArgument } from '@apo/core';
import type { Lookahead, Precision, Preset } from '@apo/core';
import { parseOptimizerName } from './names.js';
import type { OptimizerName, RuleName } from './names.js';

/** Options of the base rule. */
export interface RuleSettings {
  /** Of `apo-precond`: P₀ = learningRate · I. */
  readonly learningRate?: number;
  /** `sgdm`, `rmsprop` and `apo-precond`. */
  readonly momentum?: number;
  /** `sgdm`. */
  readonly nesterov?: boolean;
  /** `adamw` and `apo-precond`. */
  readonly weightDecay?: number;
}

/** Options of the meta-objective; only for the adapted ones. */
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

/** Options of the preconditioner; only for `apo-precond`. */
export interface PreconditionerSettings {
  readonly form?: (typeof preconditionerForms)[number];
  readonly rank?: number;
  readonly blockSize?: number;
  readonly maxBlockSize?: number;
  readonly learnedScale?: (typeof learnedScales)[number];
  readonly metaBeta2?: number;
  readonly metaEpsilon?: number;
}

export interface OptimizerSettings extends RuleSettings, MetaSettings, PreconditionerSettings {
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

const momentumRules: ReadonlySet<RuleName> = new Set(['sgdm', 'rmsprop', 'precond']);
const decayRules: ReadonlySet<RuleName> = new Set(['adamw', 'precond']);

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
  for (const name of preconditionerOptionNames) {
    requireArgument(
      base === 'precond' || settings[name] === undefined,
      () =>
        `${flag(name)} belongs to the preconditioner, which ${settings.optimizer} does not have; use --optimizer apo-precond.`,
    );
  }
  requireArgument(
    settings.momentum === undefined || momentumRules.has(base),
    () => `--momentum is given, but ${base} takes none; use sgdm, rmsprop or apo-precond.`,
  );
  requireArgument(
    settings.nesterov !== true || base === 'sgdm',
    () => `--nesterov is given, but ${base} has no such form; use sgdm.`,
  );
  requireArgument(
    settings.weightDecay === undefined || decayRules.has(base),
    () => `--weight-decay is given, but ${base} has no decoupled decay; use adamw or apo-precond.`,
  );
  requireArgument(
    settings.masterCopies !== true || settings.precision !== undefined,
    () => '--master-copies is given without --precision; without it everything is float32 anyway.',
  );
  checkForm(settings);
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

/** `lambdaFsd` → `--lambda-fsd`. */
export function flag(name: string): string {
  return `--${name.replace(/[A-Z]|(?<=[a-z])\d/g, (part) => (/\d/.test(part) ? part : `-${part.toLowerCase()}`))}`;
}
