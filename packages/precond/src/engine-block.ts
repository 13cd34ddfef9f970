/**
 * A block of low rank by the engine's own kernels, where there are any: the step and the vector–Jacobian product in one call
 * each, without P g as a tensor of its own. The same within rounding as `Block.apply` and `Block.gradient`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hasEngineKernel, runEngineKernel } from '@apo/core';
import type { EngineKernelName, TensorMap } from '@apo/core';
import type { BlockGradient } from './blocks/block.js';
import type { PlacedBlock } from './partition.js';

/** How long the step of a block is: η = rates[place], and the decay where there is one. */
export interface BlockRate {
  readonly rates: tf.Tensor1D;
  readonly place: number;
  readonly decay?: tf.Tensor | undefined;
}

/** θ − η (P g + decay · θ) by variable name, or `undefined` where plain ops are to compute it. Run inside `tf.tidy`. */
export function engineStep(
  placed: PlacedBlock,
  phi: TensorMap,
  variables: TensorMap,
  direction: TensorMap,
  rate: BlockRate,
): TensorMap | undefined {
  const roles = { gradient: direction, variable: variables };
  const outputs = runOnBlock('ApoLowRankUpdate', placed, phi, roles, rate)?.outputs;
  return outputs && byVariable(placed, outputs);
}

/** ⟨v, P g⟩, likewise. */
export function engineInner(
  placed: PlacedBlock,
  phi: TensorMap,
  direction: TensorMap,
  cotangent: TensorMap,
  rate: BlockRate,
): tf.Scalar | undefined {
  const outputs = runOnBlock('ApoLowRankUpdate', placed, phi, { gradient: direction }, rate)?.outputs;
  if (outputs === undefined) return undefined;
  const [u, v] = [byVariable(placed, outputs), cotangent];
  return tf.addN(Object.entries(u).map(([name, own]): tf.Scalar => tf.sum(tf.mul(own, v[name]!))));
}

/** ∂/∂φ of −η ⟨v, P g⟩, and −η ⟨v, P g⟩ itself, likewise. */
export function engineGradient(
  placed: PlacedBlock,
  phi: TensorMap,
  direction: TensorMap,
  cotangent: TensorMap,
  rate: BlockRate,
): BlockGradient | undefined {
  const roles = { gradient: direction, cotangent };
  const run = runOnBlock('ApoLowRankGradient', placed, phi, roles, rate);
  if (run === undefined) return undefined;
  const { scale, columns, rows } = placed.block.lowRank!;
  const rest = [...run.outputs];
  const byScale = rest.shift()!;
  const [columnU, columnV] = run.hasColumns ? rest.splice(0, 2) : [];
  const [rowU, rowV] = run.hasRows ? rest.splice(0, 2) : [];
  const own = { ...columns.gradient(columnU, columnV), ...rows.gradient(rowU, rowV), [scale]: byScale };
  return { phi: own, inner: rest[0] as tf.Scalar };
}

interface Run {
  readonly outputs: readonly tf.Tensor[];
  readonly hasColumns: boolean;
  readonly hasRows: boolean;
}

function runOnBlock(
  kernelName: EngineKernelName,
  { layout, block: { lowRank } }: PlacedBlock,
  phi: TensorMap,
  roles: Readonly<Record<string, TensorMap>>,
  { rates, place, decay }: BlockRate,
): Run | undefined {
  if (lowRank === undefined || !layout.inOrder || !hasEngineKernel(kernelName)) return undefined;
  const columns = lowRank.columns.of(phi);
  const rows = lowRank.rows.of(phi);
  const [matrix, lastRow] = layout.variables;
  // Keys of our own: a map lists names that are numbers first.
  const named = ([role, map]: [string, TensorMap]): [string, TensorMap] => [
    role,
    { matrix: map[matrix!.name]!, ...(lastRow && { lastRow: map[lastRow.name]! }) },
  ];
  const outputs = runEngineKernel(kernelName, {
    roles: Object.fromEntries(Object.entries(roles).map(named)),
    single: {
      rates,
      scale: phi[lowRank.scale]!,
      ...(columns && { columnU: columns.u, columnV: columns.v }),
      ...(rows && { rowU: rows.u, rowV: rows.v }),
      ...(decay && { decay }),
    },
    attributes: { place },
  });
  return outputs && { outputs, hasColumns: columns !== undefined, hasRows: rows !== undefined };
}

function byVariable({ layout }: PlacedBlock, tensors: readonly tf.Tensor[]): TensorMap {
  return Object.fromEntries(layout.variables.map(({ name }, i) => [name, tensors[i]!]));
}
