/** Q(φ) = J_B(θ′) + λ_FSD · mean ρ(f(x̃, θ′), f(x̃, θ)) + ½ λ_WSD ‖θ′ − θ‖² (Eq. 3, 8) and its cotangent v = ∂Q/∂θ′. */
import * as tf from '@tensorflow/tfjs-core';
import { gradientOf, meanLoss, predictSeeded } from './base-pass.js';
import type { SeededBatch } from './base-pass.js';
import { atLookahead, preserving } from './lookahead.js';
import type { Objective, Outputs } from './objective.js';
import { byName, mapTensors, total } from './tensor-map.js';
import type { TensorMap } from './update-rule.js';

/** The weights of the two proximal terms, both ≥ 0. */
export interface ProximalWeights {
  readonly lambdaFsd: number;
  readonly lambdaWsd: number;
}

export interface ProximalTerms {
  readonly q: tf.Scalar;
  /** J_B(θ′). */
  readonly loss: tf.Scalar;
  /** λ_FSD · mean ρ. */
  readonly fsd: tf.Scalar;
  /** ½ λ_WSD ‖θ′ − θ‖². */
  readonly wsd: tf.Scalar;
}

/** One meta-objective: the batches of both terms and the predictions at θ that the second compares with. */
export interface ProximalProblem<B> {
  readonly objective: Objective<B>;
  readonly weights: ProximalWeights;
  /** B, of the loss term. */
  readonly lossBatches: readonly SeededBatch<B>[];
  /** B′, of the function-space term; the very list `lossBatches` when both are the same batch, whose prediction is then shared. */
  readonly fsdBatches: readonly SeededBatch<B>[];
  /** f(x̃, θ) for each of `fsdBatches`. */
  readonly previous: readonly Outputs[];
}

/** f(x̃, θ) of each batch, without moving BatchNorm averages. */
export function predictions<B>(objective: Objective<B>, batches: readonly SeededBatch<B>[]): Outputs[] {
  return preserving(objective.stateVariables, () =>
    batches.map((seeded) => predictSeeded(objective, seeded)),
  );
}

/** The terms of Q at θ′ (tensors by variable name). Run inside `tf.tidy`. */
export function proximalTerms<B>(problem: ProximalProblem<B>, lookahead: TensorMap): ProximalTerms {
  const { variables, stateVariables } = problem.objective;
  const data = preserving(stateVariables, () => atLookahead(variables, lookahead, () => dataTerms(problem)));
  return withWeightTerm(problem, lookahead, data);
}

/** The terms of Q at θ′ and v = ∂Q/∂θ′, by one backward pass. Run inside `tf.tidy`. */
export function proximalGradient<B>(
  problem: ProximalProblem<B>,
  lookahead: TensorMap,
): { terms: ProximalTerms; cotangent: TensorMap } {
  const { variables, stateVariables } = problem.objective;
  const { lambdaWsd } = problem.weights;
  let data: { loss: tf.Scalar; fsd: tf.Scalar } | undefined;
  const { gradients } = preserving(stateVariables, () =>
    atLookahead(variables, lookahead, () =>
      gradientOf(() => {
        data = dataTerms(problem);
        tf.keep(data.loss);
        tf.keep(data.fsd);
        return tf.add(data.loss, data.fsd);
      }, variables),
    ),
  );
  const { loss, fsd } = data!;
  // Hand the two terms to the caller's tidy: a copy that it owns, and nothing kept.
  const owned = { loss: tf.clone(loss), fsd: tf.clone(fsd) };
  tf.dispose([loss, fsd]);
  const current = byName(variables);
  const cotangent =
    lambdaWsd === 0
      ? gradients
      : mapTensors(gradients, (v, name) =>
          tf.add(v, tf.mul(tf.sub(lookahead[name]!, current[name]!), lambdaWsd)),
        );
  return { terms: withWeightTerm(problem, lookahead, owned), cotangent };
}

/** Loss and function-space terms with the variables at θ′. */
function dataTerms<B>({ objective, weights, lossBatches, fsdBatches, previous }: ProximalProblem<B>): {
  loss: tf.Scalar;
  fsd: tf.Scalar;
} {
  const { lambdaFsd } = weights;
  const own: Outputs[] = [];
  const loss = meanLoss(objective, lossBatches, (outputs) => own.push(outputs));
  if (lambdaFsd === 0) return { loss, fsd: tf.scalar(0) };
  const next =
    fsdBatches === lossBatches ? own : fsdBatches.map((seeded) => predictSeeded(objective, seeded));
  const sum = total(next.map((outputs, i) => objective.divergence(outputs, previous[i]!)));
  return { loss, fsd: tf.mul(sum, lambdaFsd / next.length) };
}

function withWeightTerm<B>(
  { objective, weights }: ProximalProblem<B>,
  lookahead: TensorMap,
  { loss, fsd }: { loss: tf.Scalar; fsd: tf.Scalar },
): ProximalTerms {
  const wsd: tf.Scalar =
    weights.lambdaWsd === 0
      ? tf.scalar(0)
      : tf.mul(
          total(
            objective.variables.map((variable) =>
              tf.sum(tf.squaredDifference(lookahead[variable.name]!, variable)),
            ),
          ),
          weights.lambdaWsd / 2,
        );
  return { q: tf.addN([loss, fsd, wsd]), loss, fsd, wsd };
}
