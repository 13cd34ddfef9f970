/** Eq. 4: for large λ the exact minimiser of the proximal objective is θ − (λ_FSD G + λ_WSD I)⁻¹∇J, with a relative error that falls like 1/λ. */
import type { LossName } from '@apo/core';
import { ParameterSpace } from '../curvature/parameter-space.js';
import { namedOutputHessian } from '../curvature/output-hessian.js';
import { scoped } from '../curvature/scope.js';
import { minimize } from '../proximal/minimize.js';
import { proximalObjective } from '../proximal/proximal-objective.js';
import { check, relativeDistance } from './check.js';
import type { Check } from './check.js';
import { smallNetwork } from './small-network.js';
import { damped, examplesOf, exampleGradients, gaussNewtonMatrix, meanOf, solve } from './textbook.js';

const LOSSES: readonly LossName[] = ['squared-error', 'sigmoid-cross-entropy', 'softmax-cross-entropy'];

/** λ_FSD; λ_WSD is a tenth of it, so that both terms matter and the closed form exists for softmax outputs too. */
const LAMBDAS = [20, 200, 2000];
const WSD_SHARE = 0.1;

/** Where float32 ends: what λ · ∇ρ, a small difference of predictions times a large λ, leaves of ∇Q, relative to ∇J. */
const ROUNDING = 3e-8;

/** One check a loss: the slope of log error over log λ. */
export function verifyClosedForm(seed = 1): Check[] {
  return LOSSES.map((loss) => {
    const points = LAMBDAS.map((lambda): [number, number] => [lambda, closedFormError(loss, lambda, seed)]);
    const slopes = points
      .slice(1)
      .map(([lambda, error], i) => Math.log(points[i]![1] / error) / Math.log(lambda / points[i]![0]));
    return check({
      verification: 'equation-4',
      name: `Eq. 4, ${loss}`,
      compared:
        'the closed-form step with the exact minimiser of Eq. 3: largest distance from 1 of the decades the relative error falls per decade of λ',
      error: Math.max(...slopes.map((slope) => Math.abs(slope - 1))),
      tolerance: 0.15,
      series: { xLabel: 'λ_FSD = 10 λ_WSD', yLabel: 'relative error of the step', points },
    });
  });
}

/** ‖δ_closed − δ_exact‖ / ‖δ_exact‖. */
function closedFormError(loss: LossName, lambdaFsd: number, seed: number): number {
  const network = smallNetwork({ sizes: [2, 3, 2], loss, seed });
  try {
    return scoped(() => {
      const { objective, variables, batch, other } = network;
      const lambdaWsd = WSD_SHARE * lambdaFsd;
      const lossBatches = [{ batch, seed: 0 }];
      const fsdBatches = [{ batch: other, seed: 0 }];
      const gradient = meanOf(exampleGradients(examplesOf(objective, loss, lossBatches[0]!)));
      const metric = gaussNewtonMatrix(examplesOf(objective, loss, fsdBatches[0]!));
      const closed = solve(damped(metric, lambdaFsd, lambdaWsd), gradient).to1DArray();
      const space = new ParameterSpace(variables);
      const hessian = namedOutputHessian(loss);
      const { total } = proximalObjective(
        {
          objective,
          theta: space.current(),
          loss: 0,
          gradient: Float64Array.from(gradient.to1DArray()),
          lossBatches,
          fsdBatches,
        },
        { loss: 'exact', fsd: 'exact', lambdaFsd, lossHessian: hessian, divergenceHessian: hessian },
        lambdaWsd,
        'exact',
      );
      const { delta } = minimize(total, space.size, {
        conjugateGradient: { maxIterations: 100, tolerance: 1e-7 },
        maxNewtonIterations: 100,
        tolerance: ROUNDING * lambdaFsd,
      });
      return relativeDistance(
        closed.map((value) => -value),
        delta,
      );
    });
  } finally {
    network.dispose();
  }
}
