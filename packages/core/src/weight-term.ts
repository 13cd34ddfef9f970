/** The weight-space term ½ λ_WSD ‖θ′ − θ‖² of Q and its part λ_WSD (θ′ − θ) of the cotangent (Eq. 8), in one pass where the engine has a kernel for it. */
import * as tf from '@tensorflow/tfjs-core';
import { runEngineKernel } from './engine-kernels.js';
import type { Objective } from './objective.js';
import { byName, mapTensors, total } from './tensor-map.js';
import type { TensorMap } from './update-rule.js';

/** What the term depends on: θ, where the variables are, and λ_WSD ≥ 0. */
export interface WeightTermProblem<B> {
  readonly objective: Pick<Objective<B>, 'variables'>;
  readonly weights: { readonly lambdaWsd: number };
}

/** ½ λ_WSD ‖θ′ − θ‖², a scalar that belongs to the caller. Run inside `tf.tidy`. */
export function weightTerm<B>(
  { objective, weights: { lambdaWsd } }: WeightTermProblem<B>,
  lookahead: TensorMap,
): tf.Scalar {
  if (lambdaWsd === 0) return tf.scalar(0);
  const variable = byName(objective.variables);
  const fused = runEngineKernel('ApoWeightPull', {
    roles: { variable, lookahead },
    attributes: { lambda: lambdaWsd },
  });
  const squares =
    fused?.[0] ??
    total(
      Object.entries(variable).map(([name, own]): tf.Scalar =>
        tf.sum(tf.squaredDifference(lookahead[name]!, own)),
      ),
    );
  return tf.mul(squares, lambdaWsd / 2);
}

/** The term, and v + λ_WSD (θ′ − θ) for the gradients v of the other terms at θ′: `gradients` itself where λ_WSD is 0. */
export function weightPull<B>(
  problem: WeightTermProblem<B>,
  lookahead: TensorMap,
  gradients: TensorMap,
): { cotangent: TensorMap; wsd: tf.Scalar } {
  const { lambdaWsd } = problem.weights;
  if (lambdaWsd === 0) return { cotangent: gradients, wsd: tf.scalar(0) };
  const variable = byName(problem.objective.variables);
  const fused = runEngineKernel('ApoWeightPull', {
    roles: { cotangent: gradients, lookahead, variable },
    attributes: { lambda: lambdaWsd },
  });
  if (fused) {
    const names = Object.keys(gradients);
    return {
      cotangent: Object.fromEntries(names.map((name, i) => [name, fused[i]!])),
      wsd: tf.mul(fused[names.length]!, lambdaWsd / 2),
    };
  }
  return {
    cotangent: mapTensors(gradients, (v, name) =>
      tf.add(v, tf.mul(tf.sub(lookahead[name]!, variable[name]!), lambdaWsd)),
    ),
    wsd: weightTerm(problem, lookahead),
  };
}
