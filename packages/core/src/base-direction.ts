/** A base optimizer without its learning rate: state slots, and the direction that its state gives after a gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import type {
  CommittedOutput,
  DirectionInput,
  DirectionOutput,
  Lookahead,
  RuleState,
  TensorMap,
  UpdateOutput,
} from './update-rule.js';
import { mapTensors, zerosLike } from './tensor-map.js';

/** The learning rates of a step: θ′ = θ − values[place(name)] · d. */
export interface UpdateRates {
  /** `[groups]`. */
  readonly values: tf.Tensor;
  place(variableName: string): number;
}

/** The half of an update rule that knows nothing of φ; `withLearningRate` makes a rule of it. */
export interface BaseDirection {
  readonly name: string;
  /** State tensors per variable, all zero at the start. */
  readonly slots: readonly string[];
  direction(input: DirectionInput): DirectionOutput;
  committed?(input: DirectionInput): CommittedOutput;
  /** θ′ and the state in one pass, where the engine has a kernel for it; `undefined` where it has not. */
  update?(input: DirectionInput, rates: UpdateRates): UpdateOutput | undefined;
  readonly defaultLookahead: Lookahead;
}

/** Zeros in every slot for every entry of `like`. */
export function zeroSlots(slots: readonly string[], like: TensorMap): RuleState {
  return Object.fromEntries(slots.map((slot) => [slot, zerosLike(like)]));
}

/** The new value of one slot for every gradient: `f(gradient, old value)`. */
export function advanceSlot(
  slot: string,
  { gradients, state }: DirectionInput,
  f: (gradient: TensorMap[string], old: TensorMap[string]) => TensorMap[string],
): TensorMap {
  return mapTensors(gradients, (gradient, name) => f(gradient, state[slot]![name]!));
}
