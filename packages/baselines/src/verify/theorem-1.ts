/** Theorem 1: the preconditioner that minimises the linearised/quadratic meta-objective is (λ_FSD G + λ_WSD I)⁻¹. */
import type { LossName } from '@apo/core';
import { check, relativeDistance } from './check.js';
import type { Check } from './check.js';
import { metaObjective, minimalPreconditioner } from './preconditioner.js';
import { smallNetwork } from './small-network.js';
import { damped, exampleGradients, examplesOf, flat, gaussNewtonMatrix, solve } from './textbook.js';

const LOSSES: readonly LossName[] = ['squared-error', 'sigmoid-cross-entropy', 'softmax-cross-entropy'];
const LAMBDA_FSD = 0.3;
const LAMBDA_WSD = 0.1;

/** One check a loss, on gradients of single examples of B and G of B′. */
export function verifyTheorem1(seed = 1): Check[] {
  return LOSSES.map((loss) => {
    const network = smallNetwork({ sizes: [2, 2, 3], loss, examples: 60, seed });
    try {
      const { objective, batch, other } = network;
      const gradients = exampleGradients(examplesOf(objective, loss, { batch, seed: 0 }));
      const metric = gaussNewtonMatrix(examplesOf(objective, loss, { batch: other, seed: 0 }));
      const c = damped(metric, LAMBDA_FSD, LAMBDA_WSD);
      const minimiser = minimalPreconditioner(gradients, c);
      const { onRange, range, rank } = minimiser;
      const theorem = solve(c, range);
      const withoutHalf = solve(damped(metric, 2 * LAMBDA_FSD, LAMBDA_WSD), range);
      const wrong = relativeDistance(flat(withoutHalf), flat(onRange));
      const gap =
        metaObjective({ onRange: withoutHalf, range }, gradients, c) - metaObjective(minimiser, gradients, c);
      const singular =
        rank < c.rows
          ? ` E[ggᵀ] has rank ${rank} of ${c.rows}, since a shift of all logits changes nothing; both are compared on its range, where alone the objective sees P.`
          : '';
      return check({
        verification: 'theorem-1',
        name: `Theorem 1, ${loss}`,
        compared: 'the minimiser of Q̂ over full P with (λ_FSD G + λ_WSD I)⁻¹: relative Frobenius distance',
        error: relativeDistance(flat(onRange), flat(theorem)),
        tolerance: 1e-6,
        note: `With the ½ of Eq. 43 in front of the function-space term; Eq. 38 as printed would give (2 λ_FSD G + λ_WSD I)⁻¹, which is ${wrong.toPrecision(2)} away and whose Q̂ is higher by ${gap.toPrecision(2)}.${singular}`,
      });
    } finally {
      network.dispose();
    }
  });
}
