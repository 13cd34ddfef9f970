/** Q(φ) = J_B(θ′) + λ_FSD · mean ρ(f(x̃, θ′), f(x̃, θ)) + ½ λ_WSD ‖θ′ − θ‖² (Eq. 3, 8) and its cotangent v = ∂Q/∂θ′. */
import * as tf from '@tensorflow/tfjs-core';
import { gradientOf, meanLoss, meanPass, predictSeeded } from './base-pass.js';
import type { SeededBatch } from './base-pass.js';
import { atLookahead, preserving } from './lookahead.js';
import type { Objective, Outputs } from './objective.js';
import { total } from './tensor-map.js';
import type { TensorMap } from './update-rule.js';
import { weightPull, weightTerm } from './weight-term.js';

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

/** f(x̃, θ) of each batch, without moving BatchNorm averages; the caller owns them. */
export function predictions<B>(objective: Objective<B>, batches: readonly SeededBatch<B>[]): Outputs[] {
  return preserving(objective.stateVariables, () =>
    batches.map((seeded) => tf.tidy(() => predictSeeded(objective, seeded))),
  );
}

/** The terms of Q at θ′ (tensors by variable name), scalars that belong to the caller. Run inside `tf.tidy`. */
export function proximalTerms<B>(problem: ProximalProblem<B>, lookahead: TensorMap): ProximalTerms {
  const { variables, stateVariables } = problem.objective;
  const parts = preserving(stateVariables, () =>
    atLookahead(variables, lookahead, () =>
      microProblems(problem).map((part) => tf.tidy(() => dataTerms(part))),
    ),
  );
  return withWeightTerm(meanTerms(parts), weightTerm(problem, lookahead));
}

/** The terms of Q at θ′ and v = ∂Q/∂θ′, by one backward pass; all belongs to the caller. Run inside `tf.tidy`. */
export function proximalGradient<B>(
  problem: ProximalProblem<B>,
  lookahead: TensorMap,
): { terms: ProximalTerms; cotangent: TensorMap } {
  const { variables, stateVariables } = problem.objective;
  const parts: DataTerms[] = [];
  try {
    const { gradients } = preserving(stateVariables, () =>
      atLookahead(variables, lookahead, () => {
        const passes = microProblems(problem).map((part) =>
          gradientOf(() => {
            const { loss, fsd } = dataTerms(part);
            // Copies that outlive the backward pass, which frees what f does not return.
            parts.push({ loss: tf.keep(tf.clone(loss)), fsd: tf.keep(tf.clone(fsd)) });
            return tf.add(loss, fsd);
          }, variables),
        );
        return meanPass(passes, variables);
      }),
    );
    const { cotangent, wsd } = weightPull(problem, lookahead, gradients);
    const owned = parts.map(({ loss, fsd }) => ({ loss: tf.clone(loss), fsd: tf.clone(fsd) }));
    return { terms: withWeightTerm(meanTerms(owned), wsd), cotangent };
  } finally {
    tf.dispose(parts.flatMap(({ loss, fsd }) => [loss, fsd]));
  }
}

type DataTerms = Readonly<Record<'loss' | 'fsd', tf.Scalar>>;

function meanTerms(parts: readonly DataTerms[]): DataTerms {
  const mean = (scalars: tf.Scalar[]): tf.Scalar =>
    scalars.length === 1 ? scalars[0]! : tf.div(total(scalars), scalars.length);
  return { loss: mean(parts.map(({ loss }) => loss)), fsd: mean(parts.map(({ fsd }) => fsd)) };
}

/**
 * The problem as a mean of problems of one micro-batch each, so that only one is in memory at a time. Where B and B′ have
 * different numbers of micro-batches it stays whole.
 */
function microProblems<B>(problem: ProximalProblem<B>): ProximalProblem<B>[] {
  const { lossBatches, fsdBatches, previous, weights } = problem;
  const usesFsd = weights.lambdaFsd > 0;
  if (lossBatches.length === 1 || (usesFsd && fsdBatches.length !== lossBatches.length)) return [problem];
  return lossBatches.map((batch, i) => {
    const own = [batch];
    const other = fsdBatches === lossBatches ? own : fsdBatches.slice(i, i + 1);
    return { ...problem, lossBatches: own, fsdBatches: other, previous: previous.slice(i, i + 1) };
  });
}

/** Loss and function-space terms with the variables at θ′. */
function dataTerms<B>({
  objective,
  weights,
  lossBatches,
  fsdBatches,
  previous,
}: ProximalProblem<B>): DataTerms {
  const { lambdaFsd } = weights;
  const own: Outputs[] = [];
  const loss = meanLoss(objective, lossBatches, (outputs) => own.push(outputs));
  if (lambdaFsd === 0) return { loss, fsd: tf.scalar(0) };
  const next =
    fsdBatches === lossBatches ? own : fsdBatches.map((seeded) => predictSeeded(objective, seeded));
  const sum = total(next.map((outputs, i) => objective.divergence(outputs, previous[i]!)));
  return { loss, fsd: tf.mul(sum, lambdaFsd / next.length) };
}

function withWeightTerm({ loss, fsd }: DataTerms, wsd: tf.Scalar): ProximalTerms {
  return { q: tf.addN([loss, fsd, wsd]), loss, fsd, wsd };
}
