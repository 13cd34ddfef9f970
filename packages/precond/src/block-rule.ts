/**
 * Blocks of P as an update rule: θ′ = θ + drift − η (P_S g + decay · θ), block by block. It knows neither what a block is nor
 * which variables it has; `precondition` and `fullPreconditioner` say that.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom, LOG_LEARNING_RATE, requireArgument, requireNumber, subtractScaled } from '@apo/core';
import type { RuleState, TensorMap, UpdateRule } from '@apo/core';
import type { NamedShape } from './matricize.js';
import type { PlacedBlock } from './partition.js';
import { initialScale, scaleGradient, scaleRates } from './scale.js';
import type { LearnedScale } from './scale.js';

/** Options that every preconditioner has. */
export interface BlockRuleOptions {
  /**
   * P₀ = initialScale · I, > 0: η at the start where it is learned, else P_S itself. Default 0.01 for a learned η, which calibration
   * (preset `auto`) replaces on the first batch; 1 without one, as in the paper: gradient descent at rate 1, too long for many problems.
   */
  readonly initialScale?: number;
  /** μ in [0, 1): heavy-ball momentum on the realised displacement, θ′ = θ + μ (θ − θ₋₁) − η P_S g. Default 0. */
  readonly momentum?: number;
  /** ≥ 0: decoupled decay, θ′ = θ − η (P_S g + weightDecay · θ). Default 0. */
  readonly weightDecay?: number;
  /** Of the random start of low-rank factors. Default 0. */
  readonly seed?: number;
}

/** An entry of the direction: the weight decay, a scalar that shrinks with the step like every other entry. */
const DECAY = 'precondition:weightDecay';

/** The state slot of θ before the last step. */
const PREVIOUS = 'previousVariables';

/** @throws ApoError `INVALID_ARGUMENT` for an option out of range. */
export function blockRule(
  name: string,
  blocksOf: (variables: readonly NamedShape[]) => readonly PlacedBlock[],
  scale: LearnedScale,
  {
    initialScale: p0 = scale === false ? 1 : 0.01,
    momentum = 0,
    weightDecay = 0,
    seed = 0,
  }: BlockRuleOptions,
): UpdateRule {
  requireNumber('initialScale', p0, { min: 0, exclusive: true });
  requireNumber('momentum', momentum, { min: 0, max: 1 - 1e-9 });
  requireNumber('weightDecay', weightDecay, { min: 0 });
  requireArgument(Number.isInteger(seed), () => `seed is ${String(seed)}; expected a whole number.`);
  requireArgument(
    [false, 'global', 'layer'].includes(scale),
    () => `learnedScale is "${String(scale)}"; expected "global", "layer" or false.`,
  );
  const blocks = rememberLast(blocksOf);
  const placed = (variables: TensorMap): readonly PlacedBlock[] =>
    blocks(Object.entries(variables).map(([key, { shape }]) => ({ name: key, shape })));

  return {
    name,
    ...(scale !== false && { logLearningRate: LOG_LEARNING_RATE }),
    defaultLookahead: 'step',
    initialPhi(variables) {
      const random = createRandom(seed);
      const list = blocks(variables);
      return Object.assign(
        initialScale(scale, list.length, p0),
        ...list.map(({ block }) => block.initialPhi(random, scale === false ? p0 : 1)),
      ) as TensorMap;
    },
    initialState: (variables): RuleState =>
      momentum === 0
        ? {}
        : { [PREVIOUS]: Object.fromEntries(variables.map((v) => [v.name, tf.clone(v as tf.Tensor)])) },
    direction({ variables, gradients, state }) {
      const direction = weightDecay === 0 ? gradients : { ...gradients, [DECAY]: tf.scalar(weightDecay) };
      if (momentum === 0) return { direction, state };
      const previous = state[PREVIOUS]!;
      const names = Object.keys(variables);
      return {
        direction,
        drift: Object.fromEntries(
          names.map((key) => [key, tf.mul(tf.sub(variables[key]!, previous[key]!), momentum)]),
        ),
        state: { [PREVIOUS]: Object.fromEntries(names.map((key) => [key, tf.clone(variables[key]!)])) },
      };
    },
    apply(variables, phi, direction) {
      const decay = direction[DECAY];
      const steps: TensorMap = {};
      const places = new Map<string, number>();
      for (const [i, { layout, block }] of placed(variables).entries()) {
        const update = layout.fromMatrix(block.apply(phi, layout.toMatrix(direction)));
        for (const [key, u] of Object.entries(update)) {
          steps[key] = decay === undefined ? u : tf.add(u, tf.mul(variables[key]!, decay));
          places.set(key, i);
        }
      }
      const ordered = Object.fromEntries(Object.keys(variables).map((key) => [key, steps[key]!]));
      const rates = scaleRates(scale, phi);
      if (rates === undefined)
        return Object.fromEntries(
          Object.entries(ordered).map(([key, step]) => [key, tf.sub(variables[key]!, step)]),
        );
      const place = (key: string): number => (rates.size === 1 ? 0 : places.get(key)!);
      return subtractScaled(variables, ordered, { values: rates, place });
    },
    vjp({ variables, phi, direction, cotangent, only }) {
      const list = placed(variables);
      const negated = negatedRates(scaleRates(scale, phi), list.length);
      const decay = direction[DECAY];
      const gradient: TensorMap = {};
      const perBlock = list.map(({ layout, block }, i) => {
        // ∂Q/∂φ = −η ∂⟨v, P_S g⟩/∂φ, and each of its products is linear in v.
        const v = layout.toMatrix(cotangent);
        const w: tf.Tensor2D = tf.mul(v, negated[i]!);
        const g = layout.toMatrix(direction);
        const decayed = (inner: tf.Scalar): tf.Scalar =>
          decay === undefined
            ? inner
            : tf.add(inner, tf.mul(tf.sum(tf.mul(w, layout.toMatrix(variables))), decay));
        if (only === LOG_LEARNING_RATE) return decayed(block.inner(phi, g, w));
        const { phi: own, inner } = block.gradient(phi, g, w);
        Object.assign(gradient, own);
        return decayed(inner);
      });
      return { ...scaleGradient(scale, phi, perBlock), ...gradient };
    },
    // ∂Q/∂S is proportional to S: an element that is exactly zero has left the family for good.
    diagnostics(phi) {
      const counts = Object.entries(phi)
        .filter(([key]) => key.endsWith('.S'))
        .map(([, s]): tf.Scalar => tf.sum(tf.cast(tf.equal(s, 0), 'float32')));
      return counts.length === 0 ? {} : { zeroScales: tf.addN(counts) };
    },
  };
}

/** −η of each block as a scalar; −1 where there is no η. */
function negatedRates(rates: tf.Tensor1D | undefined, blocks: number): tf.Scalar[] {
  if (rates !== undefined && rates.size > 1) return tf.unstack(tf.neg(rates)) as tf.Scalar[];
  const one: tf.Scalar = rates === undefined ? tf.scalar(-1) : tf.reshape(tf.neg(rates), []);
  return new Array<tf.Scalar>(blocks).fill(one);
}

/** The same function, which keeps its last result for variables of the same names and shapes. */
function rememberLast<T>(
  f: (variables: readonly NamedShape[]) => T,
): (variables: readonly NamedShape[]) => T {
  let last: { key: string; value: T } | undefined;
  return (variables) => {
    const key = variables.map(({ name, shape }) => `${name} ${shape.join()}`).join('\n');
    if (last?.key !== key) last = { key, value: f(variables) };
    return last.value;
  };
}
