/** The options that KFAC and EKFAC share, with every default filled in. */
import { ApoError, divergenceNames, requireArgument, requireInteger, requireNumber } from '@apo/core';
import type { DivergenceName, Objective, StepperOptions } from '@apo/core';
import { resolveLevenbergMarquardt } from '../proximal/levenberg-marquardt.js';
import type {
  LevenbergMarquardtOptions,
  ResolvedLevenbergMarquardt,
} from '../proximal/levenberg-marquardt.js';
import type { FisherKind } from './fisher.js';
import type { PartitionRow } from './partition.js';

export interface CurvatureOptions extends StepperOptions {
  /** η > 0. Default 0.01. */
  readonly learningRate?: number;
  /** μ in v ← μ v + U, θ ← θ − η v, in [0, 1). Default 0.9. */
  readonly momentum?: number;
  /** Adds weightDecay · θ to the gradient before it is preconditioned, ≥ 0. Default 0. */
  readonly weightDecay?: number;
  /** λ > 0. Default 1e-3. */
  readonly damping?: number;
  /** Let λ follow how well the quadratic model foretells the loss, every `interval` steps (default 5); one more forward pass each. Default: fixed. */
  readonly levenbergMarquardt?: (LevenbergMarquardtOptions & { readonly interval?: number }) | false;
  /** κ > 0: the update is shortened to η² ⟨U, g⟩ ≤ κ (a bound on the KL divergence of a step), or `false`. Default 1e-3. */
  readonly klClip?: number | false;
  /** Which gradients the Fisher is made of. Default `sampled`. */
  readonly fisher?: FisherKind;
  /** The distribution that the outputs parametrise, by its divergence. Default: the objective's, where ρ has a name. */
  readonly distribution?: DivergenceName;
  /** Labels drawn per example for `sampled`, ≥ 1. Default 1. */
  readonly samples?: number;
  /** The most outputs per example that `exact` takes, ≥ 1. Default 64. */
  readonly maxExactOutputs?: number;
  /** Kept part of the running averages, in [0, 1); early on they are plain means, so that they are unbiased. Default 0.95. */
  readonly decay?: number;
  /** Steps between two updates of the averages, ≥ 1. Default 1. */
  readonly factorInterval?: number;
  /** Steps between two inversions, a multiple of `factorInterval`. Default 10. */
  readonly inverseInterval?: number;
  /** What becomes of a variable whose layer has no block: `error`, or a `diagonal` of squared batch gradients. Default `error`. */
  readonly unsupported?: 'error' | 'diagonal';
  /** The longest side of a factor, ≥ 1; inverting takes its cube. Default 2,048. */
  readonly maxFactorSide?: number;
  /** Is told, at the first step, which block each variable got; `formatPartition` makes a table of it. */
  readonly onPartition?: (rows: readonly PartitionRow[]) => void;
  /** Threads for inverses and eigen-decompositions in `prepare` and `waitForSteps`; 0 for the calling thread. Default 1. */
  readonly workers?: number;
  /** Is told once, in a sentence, when the calling thread has to do the work of `workers`. */
  readonly onShortfall?: (reason: string) => void;
}

export interface ResolvedCurvatureOptions extends StepperOptions {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly damping: number;
  readonly levenbergMarquardt: (ResolvedLevenbergMarquardt & { readonly interval: number }) | undefined;
  readonly klClip: number | undefined;
  readonly fisher: FisherKind;
  readonly distribution: DivergenceName | undefined;
  readonly samples: number;
  readonly maxExactOutputs: number;
  readonly decay: number;
  readonly factorInterval: number;
  readonly inverseInterval: number;
  readonly unsupported: 'error' | 'diagonal';
  readonly maxFactorSide: number;
  readonly onPartition: ((rows: readonly PartitionRow[]) => void) | undefined;
  readonly workers: number;
  readonly onShortfall?: (reason: string) => void;
}

/** @throws ApoError `INVALID_ARGUMENT` for a value out of range, or a Fisher that needs a distribution nobody named. */
export function resolveCurvatureOptions<B>(
  options: CurvatureOptions,
  objective: Objective<B>,
): ResolvedCurvatureOptions {
  const { schedule, clip, seed } = options;
  const { fisher = 'sampled', unsupported = 'error', levenbergMarquardt = false } = options;
  const { klClip = 1e-3, distribution = objective.divergenceName } = options;
  requireChoice('fisher', fisher, ['sampled', 'exact', 'empirical']);
  requireChoice('unsupported', unsupported, ['error', 'diagonal']);
  if (options.distribution !== undefined)
    requireChoice('distribution', options.distribution, divergenceNames);
  if (fisher !== 'empirical' && distribution === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `fisher: '${fisher}' needs to know what the outputs mean, and this objective's divergence has no name; pass distribution (one of ${divergenceNames.join(', ')}), or fisher: 'empirical'.`,
    );
  }
  const factorInterval = requireInteger('factorInterval', options.factorInterval ?? 1, 1);
  const inverseInterval = requireInteger('inverseInterval', options.inverseInterval ?? 10, 1);
  requireArgument(
    inverseInterval % factorInterval === 0,
    () =>
      `inverseInterval is ${inverseInterval} and factorInterval ${factorInterval}; expected a multiple of it, so that inverses are of new factors.`,
  );
  if (klClip !== false) requireNumber('klClip', klClip, { min: 0, exclusive: true });
  return {
    ...(schedule && { schedule }),
    ...(clip && { clip }),
    ...(seed !== undefined && { seed }),
    learningRate: requireNumber('learningRate', options.learningRate ?? 0.01, { min: 0, exclusive: true }),
    momentum: requireNumber('momentum', options.momentum ?? 0.9, { min: 0, max: 1 - 1e-9 }),
    weightDecay: requireNumber('weightDecay', options.weightDecay ?? 0, { min: 0 }),
    damping: requireNumber('damping', options.damping ?? 1e-3, { min: 0, exclusive: true }),
    levenbergMarquardt:
      levenbergMarquardt === false
        ? undefined
        : {
            ...resolveLevenbergMarquardt(levenbergMarquardt),
            interval: requireInteger('levenbergMarquardt.interval', levenbergMarquardt.interval ?? 5, 1),
          },
    klClip: klClip === false ? undefined : klClip,
    fisher,
    distribution,
    samples: requireInteger('samples', options.samples ?? 1, 1),
    maxExactOutputs: requireInteger('maxExactOutputs', options.maxExactOutputs ?? 64, 1),
    decay: requireNumber('decay', options.decay ?? 0.95, { min: 0, max: 1 - 1e-9 }),
    factorInterval,
    inverseInterval,
    unsupported,
    maxFactorSide: requireInteger('maxFactorSide', options.maxFactorSide ?? 2048, 1),
    onPartition: options.onPartition,
    workers: requireInteger('workers', options.workers ?? 1, 0),
    ...(options.onShortfall && { onShortfall: options.onShortfall }),
  };
}

function requireChoice(what: string, value: string, choices: readonly string[]): void {
  requireArgument(
    choices.includes(value),
    () => `${what} is "${value}"; expected one of ${choices.join(', ')}.`,
  );
}
