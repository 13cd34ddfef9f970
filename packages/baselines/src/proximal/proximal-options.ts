/** The choices that turn the one proximal solver into each method of Table 1 and App. F, checked. */
import { ApoError, requireArgument, requireInteger, requireNumber } from '@apo/core';
import type { DivergenceName, LossName, StepperOptions } from '@apo/core';
import type { JacobianVectorMethod } from '../curvature/jacobian.js';
import { namedOutputHessian } from '../curvature/output-hessian.js';
import type { OutputHessian } from '../curvature/output-hessian.js';
import type { LevenbergMarquardtOptions } from './levenberg-marquardt.js';
import { resolveLevenbergMarquardt } from './levenberg-marquardt.js';
import type { ResolvedLevenbergMarquardt } from './levenberg-marquardt.js';

/** What stands for J_B(θ + δ). */
export type LossApproximation =
  /** J + gᵀδ. */
  | 'first-order'
  /** J + gᵀδ + ½ δᵀHδ with the Hessian H. */
  | 'second-order'
  /** The same with the generalised Gauss–Newton matrix: second order in the outputs, first in f. */
  | 'gauss-newton'
  /** The network itself. */
  | 'exact';

/** What stands for the mean of ρ(f(x̃, θ + δ), f(x̃, θ)). */
export type FsdApproximation =
  /** Nothing: no function-space term. */
  | 'none'
  /** ½ δᵀGδ with G = E[Jᵀ H_ρ J] (Eq. 34). */
  | 'second-order'
  /** The network itself. */
  | 'exact';

export interface InnerOptions {
  /** Most conjugate-gradient iterations of one linear solve, ≥ 1. Default 100. */
  readonly maxIterations?: number;
  /** Relative residual at which a linear solve ends, ≥ 0. Default 1e-5, about what float32 products give. */
  readonly tolerance?: number;
  /** Also end a solve when the quadratic falls by less than this fraction an iteration (Martens 2010: 0.0005). Default: never. */
  readonly progress?: number;
  /** Start a solve at this multiple of the last displacement, in [0, 1]; quadratic objectives only. Default 0. */
  readonly warmStart?: number;
  /** Most Newton iterations where a term is exact, ≥ 1. Default 100. */
  readonly maxNewtonIterations?: number;
  /** Where a term is exact: the reduction of ‖∇Q‖ at which the minimisation ends, ≥ 0. Default 1e-4. */
  readonly newtonTolerance?: number;
}

export interface ProximalSolverOptions extends StepperOptions {
  /** The optimizer's name in reports and checkpoints. Default `proximal`. */
  readonly name?: string;
  readonly loss: LossApproximation;
  readonly fsd: FsdApproximation;
  /** λ_FSD ≥ 0. Default 1, or 0 with `fsd: 'none'`. */
  readonly lambdaFsd?: number;
  /** λ_WSD ≥ 0, the damping; at the start, if it adapts. Default 0. */
  readonly lambdaWsd?: number;
  /** Adapts λ_WSD by the reduction ratio of each step. Default: none, λ_WSD is fixed. */
  readonly levenbergMarquardt?: boolean | LevenbergMarquardtOptions;
  /** The Hessian of the loss in the outputs, by a loss's name or as a function. Default: of the objective's loss, in closed form where that has a name, else by differences of its gradient. */
  readonly lossHessian?: LossName | OutputHessian;
  /** The Hessian H_ρ of the divergence, likewise. */
  readonly divergenceHessian?: DivergenceName | OutputHessian;
  /** How Jv is taken. Default `auto`: the double-VJP trick where the network allows it, else a directional difference. */
  readonly jacobianVector?: JacobianVectorMethod | 'auto';
  /** Of a growing series of conjugate-gradient iterates take the one of lowest loss (Martens 2010, Sec. 4.6). Default false. */
  readonly backtrack?: boolean;
  /** Shorten the displacement until the loss falls enough; take none if it never does. Default false. */
  readonly lineSearch?: boolean;
  readonly inner?: InnerOptions;
}

export interface ResolvedProximalOptions extends StepperOptions {
  readonly name: string;
  readonly loss: LossApproximation;
  readonly fsd: FsdApproximation;
  readonly lambdaFsd: number;
  readonly lambdaWsd: number;
  readonly levenbergMarquardt: ResolvedLevenbergMarquardt | undefined;
  readonly lossHessian: OutputHessian | undefined;
  readonly divergenceHessian: OutputHessian | undefined;
  readonly jacobianVector: JacobianVectorMethod | 'auto';
  readonly backtrack: boolean;
  readonly lineSearch: boolean;
  readonly inner: Required<Omit<InnerOptions, 'progress'>> & Pick<InnerOptions, 'progress'>;
}

const LOSSES: readonly string[] = [
  'first-order',
  'second-order',
  'gauss-newton',
  'exact',
] satisfies LossApproximation[];
const DISCREPANCIES: readonly string[] = ['none', 'second-order', 'exact'] satisfies FsdApproximation[];
const METHODS: readonly string[] = ['auto', 'exact', 'difference'];

/** Fills in the defaults. @throws ApoError `INVALID_ARGUMENT`, or `UNSUPPORTED` for choices that exclude each other. */
export function resolveProximalOptions(options: ProximalSolverOptions): ResolvedProximalOptions {
  const { name = 'proximal', loss, fsd, lambdaWsd = 0, levenbergMarquardt = false } = options;
  const { backtrack = false, lineSearch = false, jacobianVector = 'auto' } = options;
  requireChoice('loss', loss, LOSSES);
  requireChoice('fsd', fsd, DISCREPANCIES);
  requireChoice('jacobianVector', jacobianVector, METHODS);
  const lambdaFsd = requireNumber('lambdaFsd', options.lambdaFsd ?? (fsd === 'none' ? 0 : 1), { min: 0 });
  requireNumber('lambdaWsd', lambdaWsd, { min: 0 });
  requireArgument(
    fsd !== 'none' || lambdaFsd === 0,
    () => `lambdaFsd is ${lambdaFsd} but fsd is "none"; choose "second-order" or "exact", or leave it out.`,
  );
  requireArgument(
    loss !== 'first-order' || lambdaFsd > 0 || lambdaWsd > 0,
    () =>
      'With loss "first-order" and both λ zero the objective has no minimum; give lambdaFsd > 0 (with an fsd) or lambdaWsd > 0.',
  );
  requireArgument(
    levenbergMarquardt === false || lambdaWsd > 0,
    () => 'levenbergMarquardt multiplies lambdaWsd, which is 0; give the damping to start with.',
  );
  const nonlinear = loss === 'exact' || fsd === 'exact';
  if (options.clip !== undefined && loss === 'exact')
    refuse(
      'clip changes the gradient of a linear or quadratic loss; with loss "exact" there is none to change.',
    );
  if (nonlinear && (backtrack || (options.inner?.warmStart ?? 0) > 0))
    refuse(
      'backtrack and inner.warmStart belong to the one solve of a quadratic objective; a term is "exact".',
    );
  return {
    ...options,
    name,
    lambdaFsd,
    lambdaWsd,
    levenbergMarquardt:
      levenbergMarquardt === false
        ? undefined
        : resolveLevenbergMarquardt(levenbergMarquardt === true ? {} : levenbergMarquardt),
    lossHessian: hessian(options.lossHessian),
    divergenceHessian: hessian(options.divergenceHessian),
    jacobianVector,
    backtrack,
    lineSearch,
    inner: resolveInner(options.inner ?? {}),
  };
}

function resolveInner(inner: InnerOptions): ResolvedProximalOptions['inner'] {
  const { maxIterations = 100, tolerance = 1e-5, progress, warmStart = 0 } = inner;
  const { maxNewtonIterations = 100, newtonTolerance = 1e-4 } = inner;
  requireInteger('inner.maxIterations', maxIterations, 1);
  requireNumber('inner.tolerance', tolerance, { min: 0 });
  if (progress !== undefined) requireNumber('inner.progress', progress, { min: 0, exclusive: true });
  requireNumber('inner.warmStart', warmStart, { min: 0, max: 1 });
  requireInteger('inner.maxNewtonIterations', maxNewtonIterations, 1);
  requireNumber('inner.newtonTolerance', newtonTolerance, { min: 0 });
  return {
    maxIterations,
    tolerance,
    warmStart,
    maxNewtonIterations,
    newtonTolerance,
    ...(progress !== undefined && { progress }),
  };
}

function hessian(choice: LossName | DivergenceName | OutputHessian | undefined): OutputHessian | undefined {
  return typeof choice === 'string' ? namedOutputHessian(choice) : choice;
}

function requireChoice(what: string, value: string, choices: readonly string[]): void {
  requireArgument(
    choices.includes(value),
    () => `${what} is "${value}"; expected one of ${choices.join(', ')}.`,
  );
}

function refuse(message: string): never {
  throw new ApoError('UNSUPPORTED', message);
}
