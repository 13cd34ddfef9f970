/** Table 1 and App. F: each classical method as a choice of approximations of the proximal objective, and nothing else. */
import { requireNumber } from '@apo/core';
import type { Objective } from '@apo/core';
import { proximalSolver } from './proximal-optimizer.js';
import type { ProximalOptimizer } from './proximal-optimizer.js';
import type { ProximalSolverOptions } from './proximal-options.js';

/** Everything of the solver that is not what makes the method. */
export type MethodOptions = Omit<ProximalSolverOptions, 'name' | 'loss' | 'fsd' | 'lambdaFsd' | 'lambdaWsd'>;

export interface LearningRateMethodOptions extends MethodOptions {
  /** η > 0. */
  readonly learningRate?: number;
}

export interface DampedMethodOptions extends MethodOptions {
  /** ≥ 0; 0 is the undamped method, for which the curvature must be positive definite. */
  readonly damping?: number;
}

export interface NaturalGradientOptions extends DampedMethodOptions {
  /** η > 0. Default 1. */
  readonly learningRate?: number;
}

export interface ProximalPointOptions extends MethodOptions {
  /** λ_FSD ≥ 0. Default 1. */
  readonly lambdaFsd?: number;
  /** λ_WSD ≥ 0. Default 1. */
  readonly lambdaWsd?: number;
}

/** δ = −η g: first-order loss, λ_WSD = 1/η. η defaults to 0.01. */
export function gradientDescent<B>(
  objective: Objective<B>,
  { learningRate = 0.01, ...options }: LearningRateMethodOptions = {},
): ProximalOptimizer<B> {
  requireNumber('learningRate', learningRate, { min: 0, exclusive: true });
  return proximalSolver(objective, {
    ...options,
    name: 'proximal-gradient-descent',
    loss: 'first-order',
    fsd: 'none',
    lambdaWsd: 1 / learningRate,
  });
}

/** δ = −(H + damping · I)⁻¹ g: second-order loss, λ_WSD = damping, 0 by default. Where H is not positive definite the solve ends at the first direction of negative curvature. */
export function newton<B>(
  objective: Objective<B>,
  { damping = 0, ...options }: DampedMethodOptions = {},
): ProximalOptimizer<B> {
  requireNumber('damping', damping, { min: 0 });
  return proximalSolver(objective, {
    ...options,
    name: 'newton',
    loss: 'second-order',
    fsd: 'none',
    lambdaWsd: damping,
  });
}

/** δ = −(Jᵀ H_ℓ J + damping · I)⁻¹ g: second order in the outputs, first in the network; damping is 1e-3 by default. */
export function gaussNewton<B>(
  objective: Objective<B>,
  { damping = 1e-3, ...options }: DampedMethodOptions = {},
): ProximalOptimizer<B> {
  requireNumber('damping', damping, { min: 0 });
  return proximalSolver(objective, {
    ...options,
    name: 'gauss-newton',
    loss: 'gauss-newton',
    fsd: 'none',
    lambdaWsd: damping,
  });
}

/**
 * δ = −η (G + damping · I)⁻¹ g with G of the objective's divergence (the Fisher matrix for a KL): first-order loss, second-order
 * FSD, λ_FSD = 1/η, λ_WSD = damping/η. Directions that B′ does not see (there are some wherever parameters outnumber outputs)
 * move by η/damping · g, so the damping, 0.1 by default, must be small only where G is of full rank or B′ is B.
 */
export function naturalGradient<B>(
  objective: Objective<B>,
  { learningRate = 1, damping = 0.1, ...options }: NaturalGradientOptions = {},
): ProximalOptimizer<B> {
  requireNumber('learningRate', learningRate, { min: 0, exclusive: true });
  requireNumber('damping', damping, { min: 0 });
  return proximalSolver(objective, {
    ...options,
    name: 'natural-gradient',
    loss: 'first-order',
    fsd: 'second-order',
    lambdaFsd: 1 / learningRate,
    lambdaWsd: damping / learningRate,
  });
}

/**
 * Hessian-free optimization (Martens 2010): the damped Gauss–Newton step, solved by truncated conjugate gradients that start
 * at the last solution, with backtracking over their iterates, a line search and Levenberg–Marquardt damping (1 at first).
 * Without Martens's diagonal preconditioner.
 */
export function hessianFree<B>(
  objective: Objective<B>,
  { damping = 1, inner, ...options }: DampedMethodOptions = {},
): ProximalOptimizer<B> {
  requireNumber('damping', damping, { min: 0, exclusive: true });
  return proximalSolver(objective, {
    levenbergMarquardt: true,
    backtrack: true,
    lineSearch: true,
    ...options,
    inner: { maxIterations: 250, progress: 5e-4, warmStart: 0.95, ...inner },
    name: 'hessian-free',
    loss: 'gauss-newton',
    fsd: 'none',
    lambdaWsd: damping,
  });
}

/** The minimiser of Eq. 3 itself, to `inner.newtonTolerance`: both terms exact. */
export function proximalPoint<B>(
  objective: Objective<B>,
  { lambdaFsd = 1, lambdaWsd = 1, ...options }: ProximalPointOptions = {},
): ProximalOptimizer<B> {
  return proximalSolver(objective, {
    ...options,
    name: 'proximal-point',
    loss: 'exact',
    fsd: lambdaFsd === 0 ? 'none' : 'exact',
    lambdaFsd,
    lambdaWsd,
  });
}
