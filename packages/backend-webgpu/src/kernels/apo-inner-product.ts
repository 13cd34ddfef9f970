/**
 * ApoInnerProduct: Σ ⟨a, b⟩, or Σ ⟨a, b − c⟩, over the tensors of each group, all read once. Every workgroup sums a piece of one tensor in a fixed order and
 * notes its group beside it; a last dispatch adds the pieces of each group.
 */
import type { InnerProductKernelAttributes } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { ADD_UP, PARTIAL } from '../add-up.js';
import { allocate, bufferLimit, compute, sizeOf, WORKGROUP } from '../compute.js';
import type { Field } from '../compute.js';
import { defineKernel } from '../kernel.js';

/** Elements that a workgroup sums. */
const PIECE = 16 * WORKGROUP;
const MOST_PAIRS = 8;

interface Pair {
  readonly a: tf.TensorInfo;
  readonly b: tf.TensorInfo;
  /** c: subtracted from b, where there is one; every pair has one, or none has. */
  readonly subtrahend: tf.TensorInfo | undefined;
  readonly place: number;
  readonly pieces: number;
}

export const apoInnerProduct = defineKernel<
  Readonly<Record<string, tf.TensorInfo | undefined>>,
  InnerProductKernelAttributes
>('ApoInnerProduct', ({ inputs, attrs: { count, places, groups }, backend }) => {
  const pairs = Array.from({ length: count }, (_, i): Pair => {
    const a = inputs[`a${i}`]!;
    return {
      a,
      b: inputs[`b${i}`]!,
      subtrahend: inputs[`subtrahend${i}`],
      place: places[i]!,
      pieces: Math.ceil(sizeOf(a) / PIECE),
    };
  }).filter(({ pieces }) => pieces > 0);
  const perPair = pairs[0]?.subtrahend === undefined ? 2 : 3;
  const capacity = Math.min(MOST_PAIRS, Math.floor((bufferLimit(backend) - 1) / perPair));
  if (pairs.length === 0 || capacity < 1) return [];
  const total = pairs.reduce((sum, { pieces }) => sum + pieces, 0);
  const sums = allocate(backend, [2 * total]);
  let first = 0;
  for (let i = 0; i < pairs.length; i += capacity) {
    first = sumPieces(backend, pairs.slice(i, i + capacity), sums, first);
  }
  const output = allocate(backend, [groups]);
  addPieces(backend, sums, total, output);
  backend.disposeData(sums.dataId);
  return [output];
});

/** Writes (sum, group) of each piece from the piece `first` on; gives the number of the piece after them. */
function sumPieces(
  backend: WebGPUBackend,
  pairs: readonly Pair[],
  sums: tf.TensorInfo,
  first: number,
): number {
  const minus = pairs[0]?.subtrahend !== undefined;
  const roles = minus ? ['a', 'b', 'c'] : ['a', 'b'];
  let end = 0;
  const ends = pairs.map(({ pieces }) => (end += pieces));
  const numbered = (name: string): Field[] => pairs.map((_, i) => ({ name: `${name}${i}`, type: 'i32' }));
  const one = (i: number): string => {
    const before = i === 0 ? '0u' : `u32(uniforms.end${i - 1})`;
    return `
  if (tile >= ${before} && tile < u32(uniforms.end${i})) {
    group = uniforms.place${i};
    let start = (tile - ${before}) * ${PIECE}u + local;
    let to = min(arrayLength(&a${i}), (tile - ${before} + 1u) * ${PIECE}u);
    for (var at = start; at < to; at = at + ${WORKGROUP}u) {
      sum = sum + a${i}[at] * ${minus ? `(b${i}[at] - c${i}[at])` : `b${i}[at]`};
    }
  }`;
  };
  compute(
    backend,
    {
      key: `ApoInnerProduct_pieces_${roles.join('')}_${pairs.length}`,
      outputs: ['sums'],
      inputs: pairs.flatMap((_, i) => roles.map((role) => `${role}${i}`)),
      uniforms: [{ name: 'first', type: 'i32' }, ...numbered('end'), ...numbered('place')],
      code: () => ({
        declarations: PARTIAL,
        body: `
  var sum = 0.0;
  var group = 0;
  ${pairs.map((_, i) => one(i)).join('\n')}
  ${ADD_UP}
  if (local == 0u && tile < u32(uniforms.end${pairs.length - 1})) {
    let piece = 2u * (u32(uniforms.first) + tile);
    sums[piece] = partial[0];
    sums[piece + 1u] = f32(group);
  }`,
      }),
    },
    {
      outputs: [sums],
      inputs: pairs.flatMap(({ a, b, subtrahend }) =>
        subtrahend === undefined ? [a, b] : [a, b, subtrahend],
      ),
      uniforms: [first, ...ends, ...pairs.map(({ place }) => place)],
      workgroups: end,
    },
  );
  return first + end;
}

/** One workgroup for each group. */
function addPieces(backend: WebGPUBackend, sums: tf.TensorInfo, pieces: number, output: tf.TensorInfo): void {
  compute(
    backend,
    {
      key: 'ApoInnerProduct_groups',
      outputs: ['result'],
      inputs: ['sums'],
      uniforms: [{ name: 'pieces', type: 'i32' }],
      code: () => ({
        declarations: PARTIAL,
        body: `
  var sum = 0.0;
  for (var at = local; at < u32(uniforms.pieces); at = at + ${WORKGROUP}u) {
    if (u32(sums[2u * at + 1u]) == tile) { sum = sum + sums[2u * at]; }
  }
  ${ADD_UP}
  if (local == 0u && tile < arrayLength(&result)) { result[tile] = partial[0]; }`,
      }),
    },
    { outputs: [output], inputs: [sums], uniforms: [pieces], workgroups: sizeOf(output) },
  );
}
