/** The blocks of a model with their state: created from a partition, averaged, named for checkpoints and put back. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';
import { allFinite } from '../step/finite-guard.js';
import { stateMismatch, zeros } from '../step/state.js';
import type { CurvatureBlock, StateValues } from './block.js';
import { planName } from './partition.js';
import type { BlockPlan } from './partition.js';

/** A block and its state tensors, which are kept. */
export interface BlockWithState {
  readonly block: CurvatureBlock;
  readonly state: TensorMap;
}

/** Zero states, kept. */
export function createStates(blocks: readonly CurvatureBlock[]): BlockWithState[] {
  return blocks.map((block) => ({ block, state: zeros(block.stateShapes) }));
}

/**
 * kept · old + (1 − kept) · new for every name of `fresh`; where one of the new values is not finite, the old average. Run
 * inside `tf.tidy`.
 */
export function averaged(old: TensorMap, fresh: TensorMap, kept: number): TensorMap {
  const next: TensorMap = Object.fromEntries(
    Object.entries(fresh).map(([name, value]) => [
      name,
      kept === 0 ? value : tf.add(tf.mul(old[name]!, kept), tf.mul(value, 1 - kept)),
    ]),
  );
  const isFinite = allFinite(Object.values(next).map((value): tf.Tensor => tf.sum(value)));
  return Object.fromEntries(
    Object.entries(next).map(([name, value]) => [name, tf.where(isFinite, value, old[name]!)]),
  );
}

/** Tensors of `values`; they belong to the current tidy. */
export function toTensors(values: StateValues): TensorMap {
  return Object.fromEntries(
    Object.entries(values).map(([name, { values: data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
}

/** What a block's tensor is called in a checkpoint. */
function stateName(block: CurvatureBlock, name: string): string {
  return `block/${planName(block.plan)}/${name}`;
}

/** State by checkpoint name. */
export function namedStates(blocks: readonly BlockWithState[]): TensorMap {
  return Object.fromEntries(
    blocks.flatMap(({ block, state }) =>
      Object.entries(state).map(([name, tensor]) => [stateName(block, name), tensor]),
    ),
  );
}

/** The shapes of `namedStates`. */
export function namedShapes(blocks: readonly CurvatureBlock[]): Record<string, readonly number[]> {
  return Object.fromEntries(
    blocks.flatMap((block) =>
      Object.entries(block.stateShapes).map(([name, shape]) => [stateName(block, name), shape]),
    ),
  );
}

/** Kept copies of the block's state from a checkpoint's tensors. */
export function copyState(block: CurvatureBlock, tensors: TensorMap): TensorMap {
  return Object.fromEntries(
    Object.keys(block.stateShapes).map((name) => [name, tf.keep(tf.clone(tensors[stateName(block, name)]!))]),
  );
}

/** Plans as they stand in a checkpoint. */
export function encodePlans(blocks: readonly BlockWithState[]): string[] {
  return blocks.map(({ block }) => JSON.stringify(block.plan));
}

/** @throws ApoError `CHECKPOINT_MISMATCH` unless the list is what `encodePlans` gives. */
export function decodePlans(encoded: unknown): BlockPlan[] {
  if (!Array.isArray(encoded)) throw stateMismatch(['it has no list of blocks']);
  try {
    return encoded.map((plan) => JSON.parse(plan as string) as BlockPlan);
  } catch (cause) {
    throw stateMismatch(['the list of blocks is damaged'], cause);
  }
}
