/** Linear conjugate gradients in float64 on a product given as a function (Hestenes and Stiefel 1952), with the truncation rules of Hessian-free optimization (Martens 2010). */
import { ApoError, requireInteger, requireNumber } from '@apo/core';
import type { Product } from '../curvature/products.js';
import { accumulate, addScaled, allFinite, dot, norm } from '../curvature/vector.js';

export interface ConjugateGradientOptions {
  /** Where to start, `[n]`. Default 0. */
  readonly start?: Float64Array;
  /** Most iterations, ≥ 1. */
  readonly maxIterations: number;
  /** Stop at ‖b − Ax‖ ≤ tolerance · ‖b‖. */
  readonly tolerance: number;
  /**
   * Stop when the quadratic φ(x) = ½ xᵀAx − bᵀx < 0 fell by less than this fraction an iteration over the last
   * max(10, i/10) of them (Martens 2010, Sec. 4.4, with 0.0005). Default: never.
   */
  readonly progress?: number;
  /** Sees every iterate, the start not counted; it must copy what it keeps. */
  readonly onIterate?: (iteration: number, x: Float64Array) => void;
}

export interface ConjugateGradientResult {
  readonly solution: Float64Array;
  readonly iterations: number;
  /** ‖b − Ax‖ / ‖b‖ by the recurrence. */
  readonly residual: number;
  readonly stop: 'converged' | 'progress' | 'iterations' | 'negative-curvature';
}

/** pᵀAp below this fraction of ‖p‖‖Ap‖ counts as no curvature. */
const LEAST_CURVATURE = 1e-10;

/**
 * x with Ax = b for a symmetric positive (semi-)definite A. At a direction of non-positive curvature it stops where it is; if
 * that is the very first, it takes the step ‖r‖²/|rᵀAr| along the residual r, so that the solution still descends φ locally.
 * @throws ApoError `NON_FINITE` when b or a product is not finite.
 */
export function conjugateGradient(
  product: Product,
  b: Float64Array,
  { start, maxIterations, tolerance, progress, onIterate }: ConjugateGradientOptions,
): ConjugateGradientResult {
  requireInteger('maxIterations', maxIterations, 1);
  requireNumber('tolerance', tolerance, { min: 0 });
  const x = start?.slice() ?? new Float64Array(b.length);
  const r = start === undefined ? b.slice() : addScaled(b, -1, finite(product(x), 'A · start'));
  const scaleOfB = norm(finite(b, 'The right-hand side'));
  if (scaleOfB === 0) {
    return { solution: new Float64Array(b.length), iterations: 0, residual: 0, stop: 'converged' };
  }
  const p = r.slice();
  const history: number[] = [quadratic(x, r, b)];
  let square = dot(r, r);
  const done = (iterations: number, stop: ConjugateGradientResult['stop']): ConjugateGradientResult => ({
    solution: x,
    iterations,
    residual: Math.sqrt(square) / scaleOfB,
    stop,
  });
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    if (Math.sqrt(square) <= tolerance * scaleOfB) return done(iteration - 1, 'converged');
    const ap = finite(product(p), 'A curvature product');
    const curvature = dot(p, ap);
    if (curvature <= LEAST_CURVATURE * norm(p) * norm(ap)) {
      if (iteration === 1 && curvature < 0) accumulate(x, square / -curvature, p);
      return done(iteration - 1, 'negative-curvature');
    }
    const alpha = square / curvature;
    accumulate(x, alpha, p);
    accumulate(r, -alpha, ap);
    const next = dot(r, r);
    for (let i = 0; i < p.length; i++) p[i] = r[i]! + (next / square) * p[i]!;
    square = next;
    onIterate?.(iteration, x);
    history.push(quadratic(x, r, b));
    if (progress !== undefined && slow(history, progress)) return done(iteration, 'progress');
  }
  return done(maxIterations, Math.sqrt(square) <= tolerance * scaleOfB ? 'converged' : 'iterations');
}

/** φ(x) = −½ xᵀ(b + r) with r = b − Ax. */
function quadratic(x: Float64Array, r: Float64Array, b: Float64Array): number {
  return -0.5 * (dot(x, r) + dot(x, b));
}

function slow(history: readonly number[], progress: number): boolean {
  const iteration = history.length - 1;
  const window = Math.max(10, Math.floor(iteration / 10));
  if (iteration <= window) return false;
  const now = history[iteration]!;
  return now < 0 && (now - history[iteration - window]!) / now < window * progress;
}

function finite(vector: Float64Array, what: string): Float64Array {
  if (allFinite(vector)) return vector;
  throw new ApoError(
    'NON_FINITE',
    `${what} has values that are not finite, so no step can be solved for; nothing was moved. Raise the damping, or look for an overflow in the network.`,
  );
}
