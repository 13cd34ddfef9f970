/**
 * Blocks of P as an update rule: θ′ = θ + drift − η (P_S g + decay · θ), block by block. It knows neither what a block is nor
 * which variables it has; `precondition` and `fullPreconditioner` say that.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom, LOG_LEARNING_RATE, requireArgument, requireNumber } from '@apo/core';
import type { RuleState, TensorMap, UpdateRule } from '@apo/core';
import { layerBlocks, wantedLayers } from './batch-rotation.js';
import type { LayerBlocks } from './batch-rotation.js';
import { contractBlocks, DECAY, stepBlocks } from './block-step.js';
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

  /** @param layers Of the one step that the rule is for; without them, it is for all. */
  const ruleWith = (layers?: LayerBlocks): UpdateRule => {
    const blocksFor = (variables: TensorMap, direction: TensorMap): readonly PlacedBlock[] =>
      layers?.at(placed(variables), direction) ?? placed(variables);
    const rule: UpdateRule = {
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
        const marked = layers?.mark(gradients) ?? gradients;
        const direction = weightDecay === 0 ? marked : { ...marked, [DECAY]: tf.scalar(weightDecay) };
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
        return stepBlocks(blocksFor(variables, direction), scaleRates(scale, phi), {
          variables,
          phi,
          direction,
        });
      },
      update(input, phi, factor) {
        // A rule that was made from this one with parts of its own is another rule.
        if (momentum > 0 || !isOwn(this)) return undefined;
        const { variables } = input;
        const { direction, state } = rule.direction(input);
        const rates = scaleRates(scale, phi) ?? tf.ones<tf.Rank.R1>([1]);
        const scaled: tf.Tensor1D = factor === 1 ? rates : tf.mul(rates, factor);
        return {
          variables: stepBlocks(blocksFor(variables, direction), scaled, { variables, phi, direction }),
          state,
        };
      },
      vjp({ variables, phi, direction, cotangent, only }) {
        const input = { variables, phi, direction, cotangent };
        const wanted = only === LOG_LEARNING_RATE ? 'inner' : 'all';
        const { gradient, perBlock } = contractBlocks(
          blocksFor(variables, direction),
          scaleRates(scale, phi),
          input,
          wanted,
        );
        return { ...scaleGradient(scale, phi, perBlock), ...gradient };
      },
      wantsLayers(variables) {
        return worksOnRows(this) ? wantedLayers(blocks(variables)) : undefined;
      },
      withLayers(captured) {
        if (!worksOnRows(this)) return this;
        const own = layerBlocks(placed(captured.gradients), captured);
        return own ? ruleWith(own) : this;
      },
      // ∂Q/∂S is proportional to S: an element that is exactly zero has left the family for good.
      diagnostics(phi) {
        const counts = Object.entries(phi)
          .filter(([key]) => key.endsWith('.S'))
          .map(([, s]): tf.Scalar => tf.sum(tf.cast(tf.equal(s, 0), 'float32')));
        return counts.length === 0 ? {} : { zeroScales: tf.addN(counts) };
      },
    };
    const isOwn = (other: UpdateRule): boolean =>
      other.direction === rule.direction && other.apply === rule.apply;
    const worksOnRows = (other: UpdateRule): boolean => isOwn(other) && other.vjp === rule.vjp;
    return rule;
  };
  return ruleWith();
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
