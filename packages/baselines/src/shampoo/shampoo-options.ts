/** The options of Shampoo, with every default filled in. */
import { requireArgument, requireInteger, requireNumber } from '@apo/core';
import type { StepperOptions } from '@apo/core';

export interface ShampooOptions extends StepperOptions {
  /** η > 0. Default 0.01. */
  readonly learningRate?: number;
  /** μ in v ← μ v + U, θ ← θ − η v, in [0, 1). Default 0.9, or 0 with Adam's grafting, which has a momentum of its own. */
  readonly momentum?: number;
  /** Adds weightDecay · θ to the gradient, ≥ 0. Default 0. */
  readonly weightDecay?: number;
  /** Kept part of the statistics, in (0, 1]: 1 adds them up (the paper), below 1 it is an average without bias. Default 1. */
  readonly beta2?: number;
  /** Added to the eigenvalues of a statistic, as a share of its largest diagonal entry, > 0. Default 1e-6. */
  readonly epsilon?: number;
  /** The longest side of a statistic, ≥ 1; longer axes are cut into blocks. Default 128. */
  readonly maxBlockSize?: number;
  /** p in L^(−1/p) for every axis, a whole number ≥ 1. Default 2 · order. */
  readonly rootExponent?: number;
  /** Steps between two updates of the statistics, ≥ 1. Default 1. */
  readonly statisticsInterval?: number;
  /** Steps between two computations of the roots, ≥ 1. Default 10. */
  readonly rootInterval?: number;
  /** The first step that is preconditioned, ≥ 1 or `Infinity`; the grafted method alone moves before it. Default 1. */
  readonly startStep?: number;
  /** How roots are computed. Default `eigen`. */
  readonly rootMethod?: 'eigen' | 'newton';
  /**
   * Whose step length each variable's update takes: that of SGD (the gradient) or Adam, or `none`. With `adam` the
   * preconditioner is applied to Adam's first moment. Default `sgd`.
   */
  readonly grafting?: 'none' | 'sgd' | 'adam';
  /** β₁, β₂ and ε of Adam's grafting. Defaults 0.9, 0.999, 1e-8. */
  readonly adam?: { readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number };
  /** Threads for inverses and eigen-decompositions in `prepare` and `waitForSteps`; 0 for the calling thread. Default 1. */
  readonly workers?: number;
  /** Is told once, in a sentence, when the calling thread has to do the work of `workers`. */
  readonly onShortfall?: (reason: string) => void;
}

type Resolved = Required<
  Omit<ShampooOptions, 'rootExponent' | 'adam' | 'onShortfall' | keyof StepperOptions>
>;

export interface ResolvedShampooOptions extends StepperOptions, Resolved {
  readonly rootExponent: number | undefined;
  readonly onShortfall?: (reason: string) => void;
  readonly adam: { readonly beta1: number; readonly beta2: number; readonly epsilon: number };
}

/** @throws ApoError `INVALID_ARGUMENT` for a value out of range. */
export function resolveShampooOptions(options: ShampooOptions): ResolvedShampooOptions {
  const {
    schedule,
    clip,
    seed,
    startStep = 1,
    rootMethod = 'eigen',
    grafting = 'sgd',
    rootExponent,
  } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options.adam ?? {};
  requireArgument(
    ['eigen', 'newton'].includes(rootMethod),
    () => `rootMethod is "${rootMethod}"; expected "eigen" or "newton".`,
  );
  requireArgument(
    ['none', 'sgd', 'adam'].includes(grafting),
    () => `grafting is "${grafting}"; expected "none", "sgd" or "adam".`,
  );
  if (startStep !== Infinity) requireInteger('startStep', startStep, 1);
  if (rootExponent !== undefined) requireInteger('rootExponent', rootExponent, 1);
  return {
    ...(schedule && { schedule }),
    ...(clip && { clip }),
    ...(seed !== undefined && { seed }),
    learningRate: requireNumber('learningRate', options.learningRate ?? 0.01, { min: 0, exclusive: true }),
    momentum: requireNumber('momentum', options.momentum ?? (grafting === 'adam' ? 0 : 0.9), {
      min: 0,
      max: 1 - 1e-9,
    }),
    weightDecay: requireNumber('weightDecay', options.weightDecay ?? 0, { min: 0 }),
    beta2: requireNumber('beta2', options.beta2 ?? 1, { min: 0, max: 1, exclusive: true }),
    epsilon: requireNumber('epsilon', options.epsilon ?? 1e-6, { min: 0, exclusive: true }),
    maxBlockSize: requireInteger('maxBlockSize', options.maxBlockSize ?? 128, 1),
    rootExponent,
    statisticsInterval: requireInteger('statisticsInterval', options.statisticsInterval ?? 1, 1),
    rootInterval: requireInteger('rootInterval', options.rootInterval ?? 10, 1),
    startStep,
    rootMethod,
    grafting,
    adam: {
      beta1: requireNumber('adam.beta1', beta1, { min: 0, max: 1 - 1e-9 }),
      beta2: requireNumber('adam.beta2', beta2, { min: 0, max: 1 - 1e-9 }),
      epsilon: requireNumber('adam.epsilon', epsilon, { min: 0 }),
    },
    workers: requireInteger('workers', options.workers ?? 1, 0),
    ...(options.onShortfall && { onShortfall: options.onShortfall }),
  };
}
