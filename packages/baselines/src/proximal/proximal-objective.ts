/** Q̂(δ), the proximal objective of one step (Eq. 3) with each of its terms approximated as chosen. */
import * as tf from '@tensorflow/tfjs-core';
import { meanLoss, withRandomSeed } from '@apo/core';
import type { Objective, SeededBatch } from '@apo/core';
import type { JacobianVectorMethod } from '../curvature/jacobian.js';
import { outputsOf } from '../curvature/jacobian.js';
import { divergenceHessian, gaussNewtonProduct, hessianProduct, lossHessian } from '../curvature/products.js';
import type { Product, SeededBatches } from '../curvature/products.js';
import { addScaled } from '../curvature/vector.js';
import type { ResolvedProximalOptions } from './proximal-options.js';
import { exactTerm, quadraticTerm, scaleTerm, sumTerms, weightTerm } from './term.js';
import type { Term } from './term.js';

/** Where a step stands: θ, and the loss and its gradient there. */
export interface ProximalPoint<B> {
  readonly objective: Objective<B>;
  readonly theta: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
  /** B, of the loss. */
  readonly lossBatches: SeededBatches<B>;
  /** B′, of the function-space term. */
  readonly fsdBatches: SeededBatches<B>;
}

export type TermChoices = Pick<
  ResolvedProximalOptions,
  'loss' | 'fsd' | 'lambdaFsd' | 'lossHessian' | 'divergenceHessian'
>;

/**
 * Q̂ as a sum of terms, with its loss term apart. It holds tensors of the surrounding `tf.tidy` and is of use until that ends;
 * the variables must be back at θ whenever it is evaluated.
 */
export function proximalObjective<B>(
  point: ProximalPoint<B>,
  choices: TermChoices,
  lambdaWsd: number,
  method: JacobianVectorMethod,
): { total: Term; loss: Term } {
  const { lambdaFsd } = choices;
  const loss = lossTerm(point, choices, method);
  const terms = [loss];
  if (choices.fsd !== 'none' && lambdaFsd > 0)
    terms.push(scaleTerm(discrepancyTerm(point, choices, method), lambdaFsd));
  if (lambdaWsd > 0) terms.push(weightTerm(lambdaWsd, point.theta.length));
  return { total: sumTerms(terms), loss };
}

function lossTerm<B>(
  { objective, theta, loss, gradient, lossBatches }: ProximalPoint<B>,
  choices: TermChoices,
  method: JacobianVectorMethod,
): Term {
  const exactLoss = (): tf.Scalar => meanLoss(objective, lossBatches);
  const gaussNewton = (): Product => {
    const hessianOf = (seeded: SeededBatch<B>): ReturnType<typeof lossHessian> =>
      choices.lossHessian ?? lossHessian(objective, seeded);
    const data = gaussNewtonProduct(objective, lossBatches, hessianOf, method);
    const { regularizer } = objective;
    if (regularizer === undefined) return data;
    const own = hessianProduct(objective, () => regularizer());
    return (vector) => addScaled(data(vector), 1, own(vector));
  };
  switch (choices.loss) {
    case 'first-order':
      return quadraticTerm(loss, gradient);
    case 'second-order':
      return quadraticTerm(loss, gradient, hessianProduct(objective, exactLoss));
    case 'gauss-newton':
      return quadraticTerm(loss, gradient, gaussNewton());
    case 'exact':
      return exactTerm(objective, theta, exactLoss, gaussNewton());
  }
}

/** The mean of ρ over B′, or ½ δᵀGδ. */
function discrepancyTerm<B>(
  { objective, theta, fsdBatches }: ProximalPoint<B>,
  choices: TermChoices,
  method: JacobianVectorMethod,
): Term {
  const hessianOf = (): ReturnType<typeof divergenceHessian> =>
    choices.divergenceHessian ?? divergenceHessian(objective);
  const metric = gaussNewtonProduct(objective, fsdBatches, hessianOf, method);
  if (choices.fsd !== 'exact') return quadraticTerm(0, new Float64Array(theta.length), metric);
  const previous = fsdBatches.map((seeded) => {
    const outputs = outputsOf(objective, seeded);
    return outputs.length === 1 ? outputs[0]! : outputs;
  });
  const divergence = (): tf.Scalar => {
    const parts = fsdBatches.map(({ batch, seed }, i) =>
      objective.divergence(
        withRandomSeed(seed, () => objective.predict(batch, true)),
        previous[i]!,
      ),
    );
    return tf.div(tf.addN(parts), parts.length);
  };
  return exactTerm(objective, theta, divergence, metric);
}
