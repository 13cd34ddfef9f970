/** The minimiser of a sum of terms by Newton's method with conjugate gradients: one solve where the sum is quadratic, several with a backtracking line search where it is not. */
import { addScaled, allFinite, dot, norm, scale } from '../curvature/vector.js';
import { conjugateGradient } from './conjugate-gradient.js';
import type { ConjugateGradientOptions } from './conjugate-gradient.js';
import type { Term } from './term.js';

export interface MinimizeOptions {
  /** `start` and `onIterate` belong to the one solve of a quadratic sum, and are ignored otherwise. */
  readonly conjugateGradient: ConjugateGradientOptions;
  /** Most Newton iterations on a sum that is not quadratic. */
  readonly maxNewtonIterations: number;
  /** On such a sum, stop at ‖∇Q‖ ≤ tolerance · ‖∇Q at δ = 0‖. */
  readonly tolerance: number;
}

export interface MinimizeResult {
  readonly delta: Float64Array;
  readonly newtonIterations: number;
  /** Conjugate-gradient iterations of all solves together. */
  readonly iterations: number;
  /** Relative residual of the linear system, or ‖∇Q‖ relative to the start. */
  readonly residual: number;
  /** `stalled`: neither the value nor the gradient could be lowered further, which is where float32 ends. */
  readonly stop: 'converged' | 'progress' | 'iterations' | 'negative-curvature' | 'stalled';
}

/** Sufficient decrease of the value (Armijo), and the largest slope at the new point relative to the old one (Hager and Zhang 2005). */
const SUFFICIENT_DECREASE = 1e-4;
const SLOPE_SHARE = 0.8;
const MAX_HALVINGS = 25;

/** Relative residual of the solves of several Newton iterations: Gauss–Newton curvature converges linearly, so more buys nothing. */
const INEXACT = 0.01;

/** @throws ApoError `NON_FINITE` when a gradient or product is not finite. */
export function minimize(term: Term, size: number, options: MinimizeOptions): MinimizeResult {
  let delta: Float64Array = new Float64Array(size);
  let gradient = term.gradient(delta);
  if (term.quadratic) {
    const solve = conjugateGradient(term.curvature(delta), scale(gradient, -1), options.conjugateGradient);
    const { solution, iterations, residual, stop } = solve;
    return { delta: solution, newtonIterations: 1, iterations, residual, stop };
  }
  const initial = norm(gradient);
  let iterations = 0;
  const relative = (): number => (initial === 0 ? 0 : norm(gradient) / initial);
  for (let newton = 0; ; newton++) {
    const done = (stop: MinimizeResult['stop']): MinimizeResult => ({
      delta,
      newtonIterations: newton,
      iterations,
      residual: relative(),
      stop,
    });
    if (relative() <= options.tolerance) return done('converged');
    if (newton === options.maxNewtonIterations) return done('iterations');
    const { maxIterations, tolerance, progress } = options.conjugateGradient;
    const solve = conjugateGradient(term.curvature(delta), scale(gradient, -1), {
      maxIterations,
      tolerance: Math.max(tolerance, INEXACT),
      ...(progress !== undefined && { progress }),
    });
    iterations += solve.iterations;
    const next = lineSearch(term, delta, gradient, solve.solution);
    if (next === undefined) return done('stalled');
    ({ delta, gradient } = next);
  }
}

/**
 * The first of δ + p, δ + p/2, … at which the gradient is smaller and not much past a minimum along p, or the value has
 * decreased enough. The gradient is asked first: near the minimum a value in float32, times a large λ, is all rounding.
 */
function lineSearch(
  term: Term,
  delta: Float64Array,
  gradient: Float64Array,
  direction: Float64Array,
): { delta: Float64Array; gradient: Float64Array } | undefined {
  const slope = dot(gradient, direction);
  let value: number | undefined;
  let step = 1;
  for (let halvings = 0; halvings <= MAX_HALVINGS; halvings++, step /= 2) {
    const candidate = addScaled(delta, step, direction);
    const next = term.gradient(candidate);
    if (!allFinite(next)) continue;
    const smaller = norm(next) < norm(gradient) && dot(next, direction) <= SLOPE_SHARE * Math.abs(slope);
    if (smaller) return { delta: candidate, gradient: next };
    value ??= term.value(delta);
    if (term.value(candidate) < value + SUFFICIENT_DECREASE * step * slope)
      return { delta: candidate, gradient: next };
  }
  return undefined;
}
