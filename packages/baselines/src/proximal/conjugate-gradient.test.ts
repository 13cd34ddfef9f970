import { describe, expect, it } from 'vitest';
import { isApoError } from '@apo/core';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { dot } from '../curvature/vector.js';
import { relativeError, seededVector } from '../testing/evidence.js';
import { conjugateGradient } from './conjugate-gradient.js';
import { backtrackIterates, IterateSeries, shortenUntilDecrease } from './line-search.js';
import { adaptDamping, reductionRatio, resolveLevenbergMarquardt } from './levenberg-marquardt.js';
import { minimize } from './minimize.js';
import { quadraticTerm, scaleTerm, sumTerms, weightTerm } from './term.js';
import type { Term } from './term.js';

const EXACT = { maxIterations: 200, tolerance: 1e-12 };

function matrixProduct(a: Matrix): (v: Float64Array) => Float64Array {
  return (v) => Float64Array.from(a.mmul(Matrix.columnVector(v)).to1DArray());
}

/** A symmetric positive definite matrix of side n with condition number of about 1e3. */
function spd(n: number): Matrix {
  const root = new Matrix(Array.from({ length: n }, (_, i) => Array.from(seededVector(n, 40 + i))));
  return root.mmul(root.transpose()).add(Matrix.eye(n).mul(0.1));
}

describe('conjugateGradient', () => {
  it('solves a positive definite system as a Cholesky solve does', () => {
    const a = spd(12);
    const b = seededVector(12, 1);
    const expected = new CholeskyDecomposition(a).solve(Matrix.columnVector(b)).to1DArray();
    const result = conjugateGradient(matrixProduct(a), b, EXACT);
    expect(result.stop).toBe('converged');
    expect(relativeError(result.solution, expected)).toBeLessThan(1e-8);
    // From another start, the same solution.
    const warm = conjugateGradient(matrixProduct(a), b, { ...EXACT, start: seededVector(12, 2) });
    expect(relativeError(warm.solution, expected)).toBeLessThan(1e-8);
  });

  it('needs as many iterations as there are distinct eigenvalues', () => {
    const product = (v: Float64Array): Float64Array => v.map((x, i) => (i < 3 ? 2 : 5) * x);
    const { solution, iterations } = conjugateGradient(product, Float64Array.from([2, 4, 6, 5, 10]), EXACT);
    expect(iterations).toBe(2);
    expect(relativeError(solution, [1, 2, 3, 1, 2])).toBeLessThan(1e-12);
    expect(conjugateGradient((v) => v.map((x) => 4 * x), Float64Array.from([8]), EXACT).iterations).toBe(1);
  });

  it('solves a singular system whose right-hand side is in its range, by the shortest solution', () => {
    // [[1, 1], [1, 1]] x = [2, 2]: x = [1, 1] of all x with x₀ + x₁ = 2.
    const { solution, stop } = conjugateGradient(
      ([x, y]) => Float64Array.from([x! + y!, x! + y!]),
      Float64Array.from([2, 2]),
      EXACT,
    );
    expect(Array.from(solution)).toEqual([1, 1]);
    expect(stop).toBe('converged');
  });

  it('stops at negative curvature: where it is, or one step down the gradient', () => {
    const first = conjugateGradient((v) => v.map((x) => -2 * x), Float64Array.from([3]), EXACT);
    // ‖r‖²/|rᵀAr| = 9/18, times r
    expect(first).toMatchObject({ stop: 'negative-curvature', iterations: 0 });
    expect(Array.from(first.solution)).toEqual([1.5]);
    // diag(4, −1): b = (4, 1) has curvature 63 > 0 first, and then a direction of negative curvature.
    const product = ([x, y]: Float64Array): Float64Array => Float64Array.from([4 * x!, -y!]);
    const later = conjugateGradient(product, Float64Array.from([4, 1]), EXACT);
    expect(later).toMatchObject({ stop: 'negative-curvature', iterations: 1 });
    expect(relativeError(later.solution, [(4 * 17) / 63, 17 / 63])).toBeLessThan(1e-12);
  });

  it('stops when progress is slow, and shows every iterate', () => {
    const a = spd(40);
    const b = seededVector(40, 8);
    const seen: number[] = [];
    const result = conjugateGradient(matrixProduct(a), b, {
      maxIterations: 200,
      tolerance: 0,
      progress: 0.05,
      onIterate: (iteration) => seen.push(iteration),
    });
    expect(result.stop).toBe('progress');
    expect(result.iterations).toBeGreaterThan(10);
    expect(seen).toEqual(Array.from({ length: result.iterations }, (_, i) => i + 1));
    const phi = (x: Float64Array): number => 0.5 * dot(x, matrixProduct(a)(x)) - dot(b, x);
    const best = conjugateGradient(matrixProduct(a), b, EXACT).solution;
    expect(phi(result.solution)).toBeLessThan(0.7 * phi(best));
  });

  it('gives zero for zero, and refuses what is not finite', () => {
    expect(Array.from(conjugateGradient((v) => v, new Float64Array(2), EXACT).solution)).toEqual([0, 0]);
    const bad = (): unknown => conjugateGradient((v) => v.map(() => NaN), Float64Array.from([1]), EXACT);
    expect(bad).toThrow(/A curvature product has values that are not finite/);
    expect(() => conjugateGradient((v) => v, Float64Array.from([Infinity]), EXACT)).toThrow(
      /right-hand side/,
    );
    expect(() => conjugateGradient((v) => v, Float64Array.from([1]), { ...EXACT, maxIterations: 0 })).toThrow(
      /maxIterations is 0/,
    );
    try {
      bad();
    } catch (error) {
      expect(isApoError(error) && error.code).toBe('NON_FINITE');
    }
  });
});

describe('terms', () => {
  it('sum and scale values, gradients and curvatures', () => {
    // 2 (1 + δ₀ + ½ · 3‖δ‖²) + ½ · 4‖δ‖² at δ = (1, 2): 2 (1 + 1 + 7.5) + 10 = 29; gradient 2 ((1, 0) + 3δ) + 4δ = (12, 20)
    const inner = quadraticTerm(1, Float64Array.from([1, 0]), (v) => v.map((x) => 3 * x));
    const term = sumTerms([scaleTerm(inner, 2), weightTerm(4, 2)]);
    const delta = Float64Array.from([1, 2]);
    expect(term.quadratic).toBe(true);
    expect(term.value(delta)).toBe(29);
    expect(Array.from(term.gradient(delta))).toEqual([12, 20]);
    expect(Array.from(term.curvature(delta)(Float64Array.from([1, 0])))).toEqual([10, 0]);
  });
});

describe('minimize', () => {
  const options = { conjugateGradient: EXACT, maxNewtonIterations: 50, tolerance: 1e-10 };

  it('finds the minimum of a convex function that is no quadratic, also where full Newton steps overshoot', () => {
    // log cosh(δ − 3) has Newton steps that diverge from |δ − 3| > 1.09; the minimum is 3.
    const term: Term = {
      quadratic: false,
      value: ([x]) => Math.log(Math.cosh(x! - 3)),
      gradient: ([x]) => Float64Array.from([Math.tanh(x! - 3)]),
      curvature:
        ([x]) =>
        (v) =>
          v.map((y) => y / Math.cosh(x! - 3) ** 2),
    };
    const result = minimize(term, 1, options);
    expect(result.stop).toBe('converged');
    expect(result.delta[0]).toBeCloseTo(3, 8);
    expect(result.newtonIterations).toBeGreaterThan(2);
    expect(minimize(term, 1, { ...options, maxNewtonIterations: 1 }).stop).toBe('iterations');
  });

  it('says so when nothing goes down', () => {
    const term: Term = {
      quadratic: false,
      value: () => 1,
      gradient: () => Float64Array.from([1]),
      curvature: () => (v) => v,
    };
    expect(minimize(term, 1, options)).toMatchObject({ stop: 'stalled', newtonIterations: 0 });
  });
});

describe('what Hessian-free does to a step', () => {
  it('keeps iterates at growing distances', () => {
    const series = new IterateSeries();
    for (let i = 1; i <= 20; i++) series.add(i, Float64Array.from([i]));
    // ⌈1.3^k⌉ = 1, 2, 2, 3, 3, 4, 5, 7, 9, 11, 14, 18, 24
    expect(series.iterates.map(([x]) => x)).toEqual([1, 2, 3, 4, 5, 7, 9, 11, 14, 18]);
  });

  it('goes back through the iterates while the loss falls, and from one that overflowed', () => {
    const candidates = [1, 2, 3, 4].map((x) => Float64Array.from([x]));
    const at = (losses: number[]): number | undefined =>
      backtrackIterates(candidates, ([x]) => losses[x! - 1]!).delta[0];
    expect(at([0, 5, 3, 4])).toBe(3);
    expect(at([9, 9, 9, 4])).toBe(4);
    expect(at([1, 2, Infinity, NaN])).toBe(1);
  });

  it('shortens until the loss falls by its share, or gives up', () => {
    const search = (f: (x: number) => number): number | undefined =>
      shortenUntilDecrease(Float64Array.from([1]), { start: 0, slope: -1, lossAt: ([x]) => f(x!) })?.[0];
    expect(search((x) => -x)).toBe(1);
    // −x + 1.1x² < −.01 x for x < .9: .8 is the first
    expect(search((x) => -x + 1.1 * x * x)).toBeCloseTo(0.8, 12);
    expect(search(() => 1)).toBe(undefined);
  });

  it('moves λ by the reduction ratio, within its bounds', () => {
    const rule = resolveLevenbergMarquardt({ min: 0.5, max: 2 });
    expect(adaptDamping(1, 0.1, rule)).toBe(1.5);
    expect(adaptDamping(1, 0.5, rule)).toBe(1);
    expect(adaptDamping(1, 0.9, rule)).toBeCloseTo(2 / 3, 12);
    expect(adaptDamping(1.5, -1, rule)).toBe(2);
    expect(adaptDamping(0.6, 1, rule)).toBe(0.5);
    expect(reductionRatio(-1, -2)).toBe(0.5);
    expect(reductionRatio(NaN, -2)).toBe(-1);
    expect(reductionRatio(-1, 0)).toBe(-1);
    expect(reductionRatio(6, 1)).toBe(-1);
    expect(() => resolveLevenbergMarquardt({ factor: 1 })).toThrow(/factor is 1/);
    expect(() => resolveLevenbergMarquardt({ min: 1, max: 0.1 })).toThrow(/max is 0.1/);
  });
});
