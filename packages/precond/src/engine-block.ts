/**
 * A block of low rank or of whole matrices by the engine's own kernels, where there are any: the step and the vector–Jacobian
 * product in one call each, without P g as a tensor of its own. The same within rounding as `Block.apply` and `Block.gradient`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hasEngineKernel, runEngineKernel } from '@apo/core';
import type { EngineKernelName, TensorMap } from '@apo/core';
import type { Block, BlockGradient, LowRankBlock, WholeBlock } from './blocks/block.js';
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
  const outputs = runOnBlock('update', placed, phi, roles, rate)?.outputs;
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
  const outputs = runOnBlock('update', placed, phi, { gradient: direction }, rate)?.outputs;
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
  const run = runOnBlock('gradient', placed, phi, { gradient: direction, cotangent }, rate);
  if (run === undefined) return undefined;
  const [byScale, ...rest] = run.outputs;
  return {
    phi: { [run.form.scale]: byScale!, ...run.form.gradientOf(rest) },
    inner: rest.at(-1) as tf.Scalar,
  };
}

/** How a block is handed to a kernel. */
interface EngineForm {
  readonly kernels: Readonly<Record<'update' | 'gradient', EngineKernelName>>;
  /** The name of S in φ. */
  readonly scale: string;
  /** The kernel's inputs for A and B. */
  factors(phi: TensorMap): Readonly<Record<string, tf.Tensor>>;
  /** Entries of φ from what the gradient gives after the one of S, in order. */
  gradientOf(outputs: readonly tf.Tensor[]): TensorMap;
}

function wholeForm({ scale, columns, rows }: WholeBlock): EngineForm {
  return {
    kernels: { update: 'ApoKroneckerUpdate', gradient: 'ApoKroneckerGradient' },
    scale,
    factors: (phi) => ({
      ...(columns.entry !== undefined && { columns: phi[columns.entry]! }),
      ...(rows.entry !== undefined && { rows: phi[rows.entry]! }),
    }),
    gradientOf(outputs) {
      const entries = [columns.entry, rows.entry].filter((entry) => entry !== undefined);
      return Object.fromEntries(entries.map((entry, i) => [entry, outputs[i]!]));
    },
  };
}

function lowRankForm({ scale, columns, rows }: LowRankBlock, phi: TensorMap): EngineForm {
  const [ofColumns, ofRows] = [columns.of(phi), rows.of(phi)];
  return {
    kernels: { update: 'ApoLowRankUpdate', gradient: 'ApoLowRankGradient' },
    scale,
    factors: () => ({
      ...(ofColumns && { columnU: ofColumns.u, columnV: ofColumns.v }),
      ...(ofRows && { rowU: ofRows.u, rowV: ofRows.v }),
    }),
    gradientOf(outputs) {
      const rest = [...outputs];
      const [columnU, columnV] = ofColumns ? rest.splice(0, 2) : [];
      const [rowU, rowV] = ofRows ? rest.splice(0, 2) : [];
      return { ...columns.gradient(columnU, columnV), ...rows.gradient(rowU, rowV) };
    },
  };
}

/** The form that the engine has a kernel for, whole matrices first: small ones are of low rank, too, at twice the operations. */
function formOf(
  which: 'update' | 'gradient',
  { whole, lowRank }: Block,
  phi: TensorMap,
): EngineForm | undefined {
  if (whole !== undefined) {
    const form = wholeForm(whole);
    if (hasEngineKernel(form.kernels[which])) return form;
  }
  if (
    lowRank === undefined ||
    !hasEngineKernel(which === 'update' ? 'ApoLowRankUpdate' : 'ApoLowRankGradient')
  )
    return undefined;
  return lowRankForm(lowRank, phi);
}

interface Run {
  readonly outputs: readonly tf.Tensor[];
  readonly form: EngineForm;
}

function runOnBlock(
  which: 'update' | 'gradient',
  { layout, block }: PlacedBlock,
  phi: TensorMap,
  roles: Readonly<Record<string, TensorMap>>,
  { rates, place, decay }: BlockRate,
): Run | undefined {
  const form = layout.inOrder ? formOf(which, block, phi) : undefined;
  if (form === undefined) return undefined;
  const [matrix, lastRow] = layout.variables;
  // Keys of our own: a map lists names that are numbers first.
  const named = ([role, map]: [string, TensorMap]): [string, TensorMap] => [
    role,
    { matrix: map[matrix!.name]!, ...(lastRow && { lastRow: map[lastRow.name]! }) },
  ];
  const outputs = runEngineKernel(form.kernels[which], {
    roles: Object.fromEntries(Object.entries(roles).map(named)),
    single: { rates, scale: phi[form.scale]!, ...form.factors(phi), ...(decay && { decay }) },
    attributes: { place },
  });
  return outputs && { outputs, form };
}

function byVariable({ layout }: PlacedBlock, tensors: readonly tf.Tensor[]): TensorMap {
  return Object.fromEntries(layout.variables.map(({ name }, i) => [name, tensors[i]!]));
}
