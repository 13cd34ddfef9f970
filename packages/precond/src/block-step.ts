/**
 * θ′ = θ − η (P_S g + decay · θ) over all blocks, and its vector–Jacobian product: each block by the engine's own kernels where
 * it has them, else by plain ops on the block's matrix. It does not know where η comes from.
 */
import * as tf from '@tensorflow/tfjs-core';
import { subtractScaled } from '@apo/core';
import type { TensorMap } from '@apo/core';
import { engineGradient, engineInner, engineStep } from './engine-block.js';
import type { BlockRate } from './engine-block.js';
import type { PlacedBlock } from './partition.js';

/** An entry of the direction: the weight decay, a scalar that shrinks with the step like every other entry. */
export const DECAY = 'precondition:weightDecay';

export interface BlockStepInput {
  readonly variables: TensorMap;
  readonly phi: TensorMap;
  readonly direction: TensorMap;
}

/** @param rates η `[1]` or `[blocks]`; 1 where there is none. The caller owns the result. Run inside `tf.tidy`. */
export function stepBlocks(
  list: readonly PlacedBlock[],
  rates: tf.Tensor1D | undefined,
  { variables, phi, direction }: BlockStepInput,
): TensorMap {
  const decay = direction[DECAY];
  const values = rates ?? tf.ones<tf.Rank.R1>([1]);
  const next: TensorMap = {};
  /** u of the variables that no kernel has moved, and the places of their rates. */
  const steps: TensorMap = {};
  const places = new Map<string, number>();
  for (const [i, placed] of list.entries()) {
    const place = values.size === 1 ? 0 : i;
    const moved = engineStep(placed, phi, variables, direction, { rates: values, place, decay });
    if (moved) {
      Object.assign(next, moved);
      continue;
    }
    const { layout, block } = placed;
    const update = layout.fromMatrix(block.apply(phi, layout.toMatrix(direction)));
    for (const [key, u] of Object.entries(update)) {
      steps[key] = decay === undefined ? u : tf.add(u, tf.mul(variables[key]!, decay));
      places.set(key, place);
    }
  }
  const byOps = subtractScaled(variables, steps, { values, place: (key) => places.get(key)! });
  return Object.fromEntries(Object.keys(variables).map((key) => [key, next[key] ?? byOps[key]!]));
}

/** ∂Q/∂φ by the entries of the blocks, and ∂Q/∂(log η) of each block, for the cotangent v = ∂Q/∂θ′. */
export interface ContractedBlocks {
  readonly gradient: TensorMap;
  readonly perBlock: readonly tf.Scalar[];
}

/** @param wanted `inner`: `perBlock` alone, and no gradient. The caller owns the result. Run inside `tf.tidy`. */
export function contractBlocks(
  list: readonly PlacedBlock[],
  rates: tf.Tensor1D | undefined,
  input: BlockStepInput & { readonly cotangent: TensorMap },
  wanted: 'all' | 'inner',
): ContractedBlocks {
  const values = rates ?? tf.ones<tf.Rank.R1>([1]);
  const negated = negatedRates(values, list.length);
  const decay = input.direction[DECAY];
  const gradient: TensorMap = {};
  const perBlock = list.map((placed, i) => {
    const rate = { rates: values, place: values.size === 1 ? 0 : i };
    const own = wanted === 'all' ? blockGradient(placed, input, rate, negated[i]!) : undefined;
    Object.assign(gradient, own?.phi);
    const inner = own?.inner ?? blockInner(placed, input, rate, negated[i]!);
    if (decay === undefined) return inner;
    const decayed = placed.layout.variables.map(({ name }): tf.Scalar =>
      tf.sum(tf.mul(input.cotangent[name]!, input.variables[name]!)),
    );
    return tf.add<tf.Scalar>(inner, tf.mul(tf.mul(tf.addN(decayed), negated[i]!), decay));
  });
  return { gradient, perBlock };
}

type BlockInput = Parameters<typeof contractBlocks>[2];

function blockGradient(placed: PlacedBlock, input: BlockInput, rate: BlockRate, negated: tf.Scalar) {
  const { phi, direction, cotangent } = input;
  const fused = engineGradient(placed, phi, direction, cotangent, rate);
  if (fused) return fused;
  const { layout, block } = placed;
  // ∂Q/∂φ = −η ∂⟨v, P_S g⟩/∂φ, and each of its products is linear in v.
  return block.gradient(phi, layout.toMatrix(direction), tf.mul(layout.toMatrix(cotangent), negated));
}

/** −η ⟨v, P_S g⟩. */
function blockInner(placed: PlacedBlock, input: BlockInput, rate: BlockRate, negated: tf.Scalar): tf.Scalar {
  const { phi, direction, cotangent } = input;
  const { layout, block } = placed;
  const inner =
    engineInner(placed, phi, direction, cotangent, rate) ??
    block.inner(phi, layout.toMatrix(direction), layout.toMatrix(cotangent));
  return tf.mul(inner, negated);
}

/** −η of each block as a scalar. */
function negatedRates(rates: tf.Tensor1D, blocks: number): tf.Scalar[] {
  if (rates.size > 1) return tf.unstack(tf.neg(rates)) as tf.Scalar[];
  return new Array<tf.Scalar>(blocks).fill(tf.reshape(tf.neg(rates), []));
}
