/** Options of the optimizers of @apo/baselines on the command line: which of them takes which, and the defaults of this program. */
import { requireArgument } from '@apo/core';
import { flag } from './flag.js';
import type { BaselineName, MethodName } from './names.js';

export const fisherKinds = ['sampled', 'exact', 'empirical'] as const;
export const dampingForms = ['factored', 'exact'] as const;
export const unsupportedChoices = ['error', 'diagonal'] as const;
export const graftings = ['sgd', 'adam', 'none'] as const;
export const rootMethods = ['eigen', 'newton'] as const;
export const hypergradientUpdates = ['additive', 'multiplicative'] as const;
export const hypergradientBases = ['sgd', 'sgdm', 'adam'] as const;

/** The names and meanings are those of the packages' own options where nothing else is said. */
export interface BaselineSettings {
  readonly damping?: number;
  readonly dampingForm?: (typeof dampingForms)[number];
  /** Whether the damping follows how well the model foretells the loss. */
  readonly levenbergMarquardt?: boolean;
  /** 0 for none. */
  readonly klClip?: number;
  readonly fisher?: (typeof fisherKinds)[number];
  /** `decay` of the running averages. */
  readonly factorDecay?: number;
  readonly factorInterval?: number;
  readonly inverseInterval?: number;
  /** `unsupported`. */
  readonly unsupportedLayers?: (typeof unsupportedChoices)[number];
  readonly grafting?: (typeof graftings)[number];
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly rootExponent?: number;
  readonly rootMethod?: (typeof rootMethods)[number];
  readonly rootInterval?: number;
  readonly statisticsInterval?: number;
  readonly startStep?: number;
  readonly hypergradientRate?: number;
  /** `update`. */
  readonly hypergradientUpdate?: (typeof hypergradientUpdates)[number];
  /** `base`. */
  readonly hypergradientBase?: (typeof hypergradientBases)[number];
  readonly initialDistance?: number;
  readonly growthRate?: number;
  /** `inner.maxIterations`: conjugate-gradient iterations of one solve. */
  readonly innerIterations?: number;
  /** `inner.maxNewtonIterations`: linear solves of one step where terms are exact. */
  readonly newtonIterations?: number;
  readonly lineSearch?: boolean;
}

const curvature = ['kfac', 'ekfac'] as const;
const solvers = ['hessian-free', 'natural-gradient', 'gauss-newton', 'newton'] as const;

/** Whose each option is. */
const takers: Readonly<Record<keyof BaselineSettings, readonly BaselineName[]>> = {
  damping: [...curvature, ...solvers],
  dampingForm: ['kfac'],
  levenbergMarquardt: [...curvature, ...solvers],
  klClip: curvature,
  fisher: curvature,
  factorDecay: curvature,
  factorInterval: curvature,
  inverseInterval: curvature,
  unsupportedLayers: curvature,
  grafting: ['shampoo'],
  beta2: ['shampoo'],
  epsilon: ['shampoo'],
  rootExponent: ['shampoo'],
  rootMethod: ['shampoo'],
  rootInterval: ['shampoo'],
  statisticsInterval: ['shampoo'],
  startStep: ['shampoo'],
  hypergradientRate: ['hypergradient'],
  hypergradientUpdate: ['hypergradient'],
  hypergradientBase: ['hypergradient'],
  initialDistance: ['prodigy'],
  growthRate: ['prodigy'],
  innerIterations: [...solvers, 'proximal-point'],
  newtonIterations: ['proximal-point'],
  lineSearch: [...solvers, 'proximal-point'],
};

/** All of `BaselineSettings`. */
export const baselineOptionNames = Object.keys(takers) as readonly (keyof BaselineSettings)[];

/** Refuses options that the method would ignore. @throws ApoError `INVALID_ARGUMENT`. */
export function checkBaselineSettings(method: MethodName, settings: BaselineSettings): void {
  for (const name of baselineOptionNames) {
    const own: readonly MethodName[] = takers[name];
    requireArgument(
      settings[name] === undefined || own.includes(method),
      () => `${flag(name)} is given, but ${method} has no such option; it belongs to ${own.join(', ')}.`,
    );
  }
}

/**
 * What this program sets where nothing is given: more damping and rarer inverses than the package, found on `autoencoder-tiny`
 * and `lenet-mnist`. A KL clip of 0.01 is a little better on the first and far too long on the second.
 */
export function baselineDefaults(
  method: BaselineName,
  {
    factorInterval,
    inverseInterval = factorInterval === undefined ? 20 : 4 * factorInterval,
  }: BaselineSettings,
): BaselineSettings {
  if (method !== 'kfac' && method !== 'ekfac') return {};
  return {
    damping: 0.01,
    klClip: 0.001,
    // Inverses are to be of new factors: the one interval is a multiple of the other.
    factorInterval: factorInterval ?? greatestCommonDivisor(5, inverseInterval),
    inverseInterval,
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
