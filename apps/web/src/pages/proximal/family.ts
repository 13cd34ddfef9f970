/** The curves of the page: what the step does with both terms and with each alone, at the chosen weights and along one of them. */
import { dot, drawnInputs, EXAMPLES, OTHER_INPUTS } from './regression.js';
import type { Regression } from './regression.js';
import { proximalStep, termsAt } from './proximal-step.js';
import type { StepProblem, Terms, Weights } from './proximal-step.js';
import { LAMBDA_FSD_RANGE, LAMBDA_WSD_RANGE } from './settings.js';
import type { ProximalSettings, Varied } from './settings.js';

export type PanelId = 'both' | 'wsd' | 'fsd';

/** One θ′: the weight along which the family goes, the function, and the parts of Q. */
export interface Curve {
  readonly lambda: number;
  /** f(x, θ′) at the drawn inputs. */
  readonly values: readonly number[];
  readonly terms: Terms;
}

export interface PanelCurves {
  readonly varied: Varied;
  /** From the smallest weight to the largest. */
  readonly family: readonly Curve[];
  readonly chosen: Curve;
}

export interface FigureCurves {
  /** ½ r², the loss before the step. */
  readonly lossBefore: number;
  readonly panels: Readonly<Record<PanelId, PanelCurves>>;
}

/** `count` values with equal ratios, ends included. */
export function ratios([low, high]: readonly [number, number], count: number): number[] {
  return Array.from({ length: count }, (_, i) => low * (high / low) ** (i / (count - 1)));
}

/** Curves in a family. */
const MEMBERS = 8;

/** A single term acts alone where it is of the size of the loss; together, one of them may be much smaller. */
const FAMILY: Readonly<Record<'together' | 'alone', Readonly<Record<Varied, readonly number[]>>>> = {
  together: { wsd: ratios(LAMBDA_WSD_RANGE, MEMBERS), fsd: ratios(LAMBDA_FSD_RANGE, MEMBERS) },
  alone: { wsd: ratios([1e-1, 1e2], MEMBERS), fsd: ratios([1, 1e4], MEMBERS) },
};

/** Drawn inputs: 0.02 apart, so that a spike has a tip and every example is one of them. */
const DRAWN = 301;

export interface Drawing {
  readonly xs: readonly number[];
  /** f(x, θ), before the step. */
  readonly before: readonly number[];
  curves(settings: ProximalSettings): FigureCurves;
}

/** Prepares the inputs at which everything is drawn; `curves` then takes about a millisecond. */
export function createDrawing(regression: Regression): Drawing {
  const { xs, rows } = drawnInputs(regression, DRAWN);
  const before = rows.map((z) => dot(regression.theta, z));

  function curve(problem: StepProblem, weights: Weights, lambda: number): Curve {
    const change = proximalStep(problem, weights);
    return {
      lambda,
      values: rows.map((z, i) => before[i]! + dot(change, z)),
      terms: termsAt(problem, weights, change),
    };
  }

  function panel(
    problem: StepProblem,
    chosen: Weights,
    varied: Varied,
    lambdas: readonly number[],
  ): PanelCurves {
    const key = varied === 'wsd' ? 'lambdaWsd' : 'lambdaFsd';
    const along = (lambda: number): Curve => curve(problem, { ...chosen, [key]: lambda }, lambda);
    return { varied, family: lambdas.map(along), chosen: along(chosen[key]) };
  }

  return {
    xs,
    before,
    curves({ point, y, lambdaFsd, lambdaWsd, vary }) {
      const z = regression.coordinates(EXAMPLES[point]!.x);
      const residual = dot(regression.theta, z) - y;
      const { singularValues } = regression;
      const problem = { singularValues, inputs: OTHER_INPUTS.length, z, residual };
      return {
        lossBefore: 0.5 * residual ** 2,
        panels: {
          both: panel(problem, { lambdaFsd, lambdaWsd }, vary, FAMILY.together[vary]),
          wsd: panel(problem, { lambdaFsd: 0, lambdaWsd }, 'wsd', FAMILY.alone.wsd),
          fsd: panel(problem, { lambdaFsd, lambdaWsd: 0 }, 'fsd', FAMILY.alone.fsd),
        },
      };
    },
  };
}
