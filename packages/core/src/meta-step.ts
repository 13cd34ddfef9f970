/** One meta-step: φ moves down ∇Q at the lookahead (Algorithm 1, inner part), guarded if asked for. Everything stays on the device. */
import * as tf from '@tensorflow/tfjs-core';
import type { ResolvedApoOptions } from './apo-options.js';
import type { BasePass } from './base-pass.js';
import { proximalGradient, proximalTerms } from './proximal.js';
import type { ProximalProblem, ProximalTerms } from './proximal.js';
import type { Advance } from './rule-runner.js';
import { differenceProduct, displaced, innerProduct, scaled, select, zeroIfFinite } from './tensor-map.js';
import type { RuleState, TensorMap, UpdateRule } from './update-rule.js';
import { contract } from './vjp.js';

/** By how much log η falls at most, in nats, when a lookahead is worse than no step, or cannot be computed. */
const MAX_BACKTRACK = Math.log(10);

/** A rise of Q over J below this part of |J| is rounding. */
const NEGLIGIBLE_RISE = 1e-5;

/** θ′ = u(start, φ, direction): where the lookahead starts (θ, θ + drift, or θ after the committed momentum) and what φ scales. */
export interface LookaheadParts {
  readonly start: TensorMap;
  readonly direction: TensorMap;
  /** The start is θ + drift, so that Q there is not J(θ) and no φ can make it so. */
  readonly drifted: boolean;
}

export interface MetaStepInput<B> {
  readonly problem: ProximalProblem<B>;
  readonly rule: UpdateRule;
  readonly phi: TensorMap;
  readonly parts: LookaheadParts;
  /** J and ∇J at θ on the batches of the loss term. */
  readonly descent: BasePass;
  readonly metaState: RuleState;
  /** 1 for the first meta-step. */
  readonly metaStep: number;
  readonly options: Pick<ResolvedApoOptions, 'metaOptimizer' | 'maxLogChange' | 'reject' | 'backtrack'>;
}

export interface MetaStepOutput {
  readonly phi: TensorMap;
  readonly metaState: RuleState;
  /** At the φ that was given. */
  readonly terms: ProximalTerms;
  /** ∂Q/∂φ. */
  readonly gradient: TensorMap;
  /** Boolean scalar. */
  readonly accepted: tf.Scalar;
}

/** The two parts of the lookahead for the direction of this step. */
export function lookaheadParts(
  rule: UpdateRule,
  variables: TensorMap,
  phi: TensorMap,
  { direction, drift, committed }: Advance,
  lookahead: ResolvedApoOptions['lookahead'],
): LookaheadParts {
  if (committed) {
    const start = rule.apply(variables, phi, committed.momentum);
    return { start, direction: committed.direction, drifted: false };
  }
  return {
    start: displaced(variables, drift),
    direction: scaled(direction, typeof lookahead === 'object' ? lookahead.factor : 1),
    drifted: drift !== undefined,
  };
}

/** Run inside `tf.tidy`; the result belongs to it. */
export function metaStep<B>(input: MetaStepInput<B>): MetaStepOutput {
  const { problem, rule, phi, parts, options } = input;
  const lookaheadAt = (values: TensorMap): TensorMap => rule.apply(parts.start, values, parts.direction);
  const lookahead = lookaheadAt(phi);
  const { terms, cotangent } = proximalGradient(problem, lookahead);
  const gradient = contract(rule, { variables: parts.start, phi, direction: parts.direction, cotangent });
  const entry = rule.logLearningRate;
  const { phi: proposed, state } = options.metaOptimizer.move(
    { variables: phi, gradients: gradient, state: input.metaState, step: input.metaStep },
    entry === undefined || options.maxLogChange === undefined ? {} : { [entry]: options.maxLogChange },
  );
  if (!options.reject && !options.backtrack)
    return { phi: proposed, metaState: state, terms, gradient, accepted: tf.scalar(true, 'bool') };

  const finite: tf.Scalar = tf.equal(tf.add(zeroIfFinite(gradient), tf.sub(terms.q, terms.q)), 0);
  const usable = select(finite, proposed, phi);
  const trialLookahead = lookaheadAt(usable);
  const trial = proximalTerms(problem, trialLookahead).q;
  const better = options.reject ? tf.lessEqual(trial, terms.q) : tf.scalar(true, 'bool');
  const chosen = select(better, usable, phi);
  const guarded =
    entry === undefined || !options.backtrack
      ? {}
      : {
          [entry]: tf.add(
            chosen[entry]!,
            backtracking(input, select(better, trialLookahead, lookahead), tf.where(better, trial, terms.q)),
          ),
        };
  return {
    phi: { ...chosen, ...guarded },
    metaState: Object.fromEntries(
      Object.entries(state).map(([slot, map]) => [slot, select(finite, map, input.metaState[slot]!)]),
    ),
    terms,
    gradient,
    accepted: tf.logicalAnd(finite, better),
  };
}

/**
 * How far log η has to fall when even the better of both lookaheads raises the objective on its own batch although the
 * direction descends: the parabola through J with slope −s and through Q has its minimum at s / 2(Q − J + s) of the step
 * (backtracking by interpolation, Nocedal & Wright, Sec. 3.5). Zero otherwise; the most when Q cannot be computed. After a drift
 * Q at the start stands for J, and the slope of J at θ for the one there. The slope is −s = ⟨∇J, θ′ − start⟩, at no cost but an inner
 * product, and along the very step that gave Q, whatever rounding made of it.
 *
 * @param lookahead θ′.
 * @param q Q there, a scalar like the result.
 */
function backtracking<B>(
  { problem, parts, descent }: MetaStepInput<B>,
  lookahead: TensorMap,
  q: tf.Tensor,
): tf.Tensor {
  const promised = differenceProduct(descent.gradients, parts.start, lookahead);
  const unmoved = parts.drifted ? proximalTerms(problem, parts.start).q : descent.loss;
  const rise = tf.sub(q, unmoved);
  const fraction = tf.div(promised, tf.mul(tf.add(rise, promised), 2));
  const change = tf.log(tf.clipByValue(fraction, Math.exp(-MAX_BACKTRACK), 1));
  const worse = tf.logicalAnd(
    tf.greater(rise, tf.mul(tf.abs(unmoved), NEGLIGIBLE_RISE)),
    tf.greater(promised, 0),
  );
  const computable = tf.equal(tf.sub(q, q), 0);
  return tf.where(computable, tf.where(worse, change, tf.scalar(0)), tf.scalar(-MAX_BACKTRACK));
}

/** −⟨∇J, ∂θ′/∂log η⟩: since a step is linear in η, the whole decrease of J that φ's part of the step promises; a scalar. */
export function promisedDecrease(
  rule: UpdateRule,
  entry: string,
  phi: TensorMap,
  { start, direction }: LookaheadParts,
  { gradients: cotangent }: BasePass,
): tf.Scalar {
  const own = contract(rule, { variables: start, phi, direction, cotangent, only: entry });
  const change: tf.Scalar = tf.sum(own[entry]!);
  return tf.neg(change);
}

/** ‖∂Q/∂φ‖ over all entries, a scalar. */
export function gradientNorm(gradient: TensorMap): tf.Scalar {
  return tf.sqrt(innerProduct(gradient, gradient));
}
