/** One meta-step: φ moves down ∇Q at the lookahead (Algorithm 1, inner part), guarded if asked for. Everything stays on the device. */
import * as tf from '@tensorflow/tfjs-core';
import type { ResolvedApoOptions } from './apo-options.js';
import type { BasePass } from './base-pass.js';
import { proximalGradient, proximalTerms } from './proximal.js';
import type { ProximalProblem, ProximalTerms } from './proximal.js';
import type { Advance } from './rule-runner.js';
import { displaced, innerProduct, scaled, select } from './tensor-map.js';
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
  const { terms, cotangent } = proximalGradient(problem, lookaheadAt(phi));
  const gradient = contract(rule, { variables: parts.start, phi, direction: parts.direction, cotangent });
  const entry = rule.logLearningRate;
  const { phi: proposed, state } = options.metaOptimizer.move(
    { variables: phi, gradients: gradient, state: input.metaState, step: input.metaStep },
    entry === undefined || options.maxLogChange === undefined ? {} : { [entry]: options.maxLogChange },
  );
  if (!options.reject && !options.backtrack)
    return { phi: proposed, metaState: state, terms, gradient, accepted: tf.scalar(true, 'bool') };

  const finite = allFinite([terms.q, ...Object.values(gradient)]);
  const usable = select(finite, proposed, phi);
  const trial = proximalTerms(problem, lookaheadAt(usable)).q;
  const better = options.reject ? tf.lessEqual(trial, terms.q) : tf.scalar(true, 'bool');
  const chosen = select(better, usable, phi);
  const guarded =
    entry === undefined || !options.backtrack
      ? {}
      : {
          [entry]: tf.add(
            chosen[entry]!,
            backtracking(input, entry, chosen, tf.where(better, trial, terms.q)),
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
 * Q at the start stands for J, and the slope of J at θ for the one there.
 */
function backtracking<B>(
  { problem, rule, parts, descent }: MetaStepInput<B>,
  entry: string,
  phi: TensorMap,
  q: tf.Tensor,
): tf.Tensor {
  const promised: tf.Tensor = promisedDecrease(rule, entry, phi, parts, descent);
  const unmoved = parts.drifted ? proximalTerms(problem, parts.start).q : descent.loss;
  const rise = tf.sub(q, unmoved);
  const fraction = tf.div(promised, tf.mul(tf.add(rise, promised), 2));
  const change = tf.log(tf.clipByValue(fraction, Math.exp(-MAX_BACKTRACK), 1));
  const worse = tf.logicalAnd(
    tf.greater(rise, tf.mul(tf.abs(unmoved), NEGLIGIBLE_RISE)),
    tf.greater(promised, 0),
  );
  const computable = tf.equal(tf.sub(q, q), 0);
  return tf.where(
    computable,
    tf.where(worse, change, tf.zerosLike(change)),
    tf.fill(change.shape, -MAX_BACKTRACK),
  );
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

/** Whether every element is finite, as a boolean scalar: x − x is 0 for finite x, and NaN otherwise. */
function allFinite(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.equal(tf.addN(tensors.map((t) => tf.sum(tf.sub(t, t)))), 0);
}
