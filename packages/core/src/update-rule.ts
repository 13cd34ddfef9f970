/** The one seam of the package: u(θ, φ, B) as init · direction · apply · vjp. A rule is data and pure functions; it owns no state. */
import type * as tf from '@tensorflow/tfjs-core';
import type { LayerFilter, LayerUse } from './layer-use.js';

/** Tensors by variable name (or by the name of an entry of φ). */
export type TensorMap = Record<string, tf.Tensor>;

/** Optimizer state: slot (`velocity`, `secondMoment`, …) → variable name → tensor. */
export type RuleState = Record<string, TensorMap>;

/** What a rule sees of one gradient. Every map is keyed by variable name; tensors belong to the caller. */
export interface DirectionInput {
  readonly variables: TensorMap;
  readonly gradients: TensorMap;
  readonly state: RuleState;
  /** 1 for the first step. */
  readonly step: number;
}

export interface DirectionOutput {
  /**
   * d in θ′ = u(θ + drift, φ, d); the names and shapes of the variables. A rule may add entries under names of its own that
   * its `apply` and `vjp` understand; whatever shortens or lengthens a step multiplies every entry.
   */
  readonly direction: TensorMap;
  /** A displacement that φ has no part in, such as heavy-ball momentum on the realised step; taken whole. Default: none. */
  readonly drift?: TensorMap;
  /** The state after this gradient. A tensor that did not change may be the one that was given. */
  readonly state: RuleState;
}

/** What a whole step gives: θ′ and the state after it. */
export interface UpdateOutput {
  readonly variables: TensorMap;
  readonly state: RuleState;
}

/**
 * How far ahead the meta-objective looks.
 * `step`: θ′ is the next iterate (the paper). `committed`: the whole future displacement that this gradient causes through
 * the momentum, on top of what the momentum adds to this step anyway. `{factor}`: the step, that many times as long.
 */
export type Lookahead = 'step' | 'committed' | { readonly factor: number };

/** Two parts of a committed lookahead, both applied by `apply`; only the first depends on φ. */
export interface CommittedOutput {
  /** What this gradient will have contributed once the momentum has run out: g/(1 − μ) for SGD with momentum. */
  readonly direction: TensorMap;
  /** What earlier gradients contribute to this step: μ·m₋₁. Applied with φ held fixed. */
  readonly momentum: TensorMap;
}

export interface VjpInput {
  readonly variables: TensorMap;
  readonly phi: TensorMap;
  readonly direction: TensorMap;
  /** v = ∂Q/∂θ′. */
  readonly cotangent: TensorMap;
  /** The only entry of φ that is asked for; a rule may give more than that. Default: all. */
  readonly only?: string;
}

/** One gradient of the whole objective on one batch, and what every layer saw in the pass that gave it. */
export interface CapturedLayers {
  /** By variable name. */
  readonly gradients: TensorMap;
  /** All uses of the variables, those in the loss and the regulariser included; `other` where the rule did not want the layer. */
  readonly uses: readonly LayerUse[];
}

/**
 * An update rule θ′ = u(θ, φ, B) whose direction does not depend on φ (so first derivatives suffice, Sec. 4.1).
 * All functions are synchronous and pure, run inside `tf.tidy`, and return new tensors that belong to the caller
 * (or tensors they were given).
 */
export interface UpdateRule {
  readonly name: string;
  /** φ at the start, by name. */
  initialPhi(variables: readonly tf.Variable[]): TensorMap;
  initialState(variables: readonly tf.Variable[]): RuleState;
  /** Advances the base optimizer's state on g and gives its direction. */
  direction(input: DirectionInput): DirectionOutput;
  /** Absent where the rule has no momentum to commit. */
  committed?(input: DirectionInput): CommittedOutput;
  /** θ′ = u(θ, φ, d). */
  apply(variables: TensorMap, phi: TensorMap, direction: TensorMap): TensorMap;
  /**
   * `direction` and `apply` at once, the direction multiplied by `factor`: the same θ′ and state within rounding, in fewer
   * passes over the parameters. `undefined` where it cannot do that; `direction` and `apply` run then.
   */
  update?(input: DirectionInput, phi: TensorMap, factor: number): UpdateOutput | undefined;
  /** (∂u/∂φ)ᵀ v, by the names of φ. Without it, core differentiates `apply`. */
  vjp?(input: VjpInput): TensorMap;
  /** Which layers a pass has to record for `withLayers`. `undefined`, or absent: none, and no need to look for them. */
  wantsLayers?(variables: readonly tf.Variable[]): LayerFilter | undefined;
  /**
   * The same rule for the step of one gradient, when X̄ and Δ of the layers are known: equal within rounding, in fewer operations.
   * It is given the unclipped gradient of a single batch, and may return itself. The result is used within the current tidy only.
   */
  withLayers?(layers: CapturedLayers): UpdateRule;
  /** The entry of φ that is the logarithm of a learning rate `[groups]`: calibrated, clamped and reported by `Apo`. */
  readonly logLearningRate?: string;
  /** The names of the groups in that entry, in order. */
  learningRateGroups?(variables: readonly tf.Variable[]): readonly string[];
  /** What a user should know of φ, as scalars by name (entries that have died, say); `statistics` reads them. Owned by the caller. */
  diagnostics?(phi: TensorMap): Record<string, tf.Scalar>;
  /** What the preset `auto` uses: `step` for SGD and RMSprop, `committed` for momentum, four steps for Adam. */
  readonly defaultLookahead?: Lookahead;
}
