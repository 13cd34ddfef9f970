/**
 * ApoLowRankUpdate: θ − η P g, or P g, for one block of a low-rank preconditioner in at most nine products, each with its element-wise part. With X = G, then T:
 * X U, Hᵀ X (I + F Fᵀ′) and S⊙S ⊙ (X + …). See `LowRankKernelAttributes` of @apo/core.
 */
import type { LowRankKernelAttributes } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, bufferLimit, sizeOf } from '../compute.js';
import { defineKernel } from '../kernel.js';
import { pack, roleOf, shared, stepOf, withTemporaries } from '../preconditioner/block.js';
import type { BlockInputs, Step } from '../preconditioner/block.js';
import { multiply } from '../product/product.js';
import type { Phase } from '../product/product.js';

/** A factor I + F F′ᵀ of a rotation; absent for I. */
interface Side {
  readonly f: tf.TensorInfo;
  readonly other: tf.TensorInfo;
}

/** The last product reads T, two factors with what they are multiplied by, θ, η and the decay, and writes θ′; θ and θ′ may be in two parts. */
export function buffersOfStep(parts: number, decays: boolean): number {
  return 6 + 2 * parts + (decays ? 1 : 0);
}

export const apoLowRankUpdate = defineKernel<BlockInputs, LowRankKernelAttributes>(
  'ApoLowRankUpdate',
  ({ inputs, attrs: { count, place }, backend }) => {
    const { scale, columnU, columnV, rowU, rowV, rates, decay } = inputs;
    if (sizeOf(scale!) === 0 || buffersOfStep(count, decay !== undefined) > bufferLimit(backend)) return [];
    const [m, n] = scale!.shape as [number, number];
    const gradients = roleOf(inputs, 'gradient', count);
    const outputs = gradients.map(({ shape }) => allocate(backend, shape));
    const variables = inputs['variable0'] && roleOf(inputs, 'variable', count);
    const step = variables && { variables, rates: rates!, place, decay };
    withTemporaries(backend, (temporary) => {
      const rotate = rotation(backend, temporary, m, n);
      const g = gradients.length === 1 ? gradients[0]! : temporary(m * n);
      if (gradients.length > 1) pack(backend, g, gradients);
      const t = temporary(m * n);
      rotate(
        g,
        columnU && columnV && { f: columnU, other: columnV },
        rowU && rowV && { f: rowU, other: rowV },
        {
          key: 'scaled',
          inputs: { scale: scale! },
          outputs: { result: t },
          finish: `let s = get_scale(at); result[at] = s * s * (sum0 + get_x(at));`,
        },
      );
      rotate(
        t,
        columnU && columnV && { f: columnV, other: columnU },
        rowU && rowV && { f: rowV, other: rowU },
        stepOf(outputs, n, 'sum0 + get_x(at)', step),
      );
    });
    return outputs;
  },
);

/** (I + H′ Hᵀ) X (I + F F′ᵀ) for X `[m, n]`, finished by `last`, which adds X itself. */
function rotation(backend: WebGPUBackend, temporary: (size: number) => tf.TensorInfo, m: number, n: number) {
  return (x: tf.TensorInfo, columns: Side | undefined, rows: Side | undefined, last: Step): void => {
    const rankA = columns?.f.shape[1] ?? 0;
    const rankB = rows?.f.shape[1] ?? 0;
    const left = columns && temporary(m * rankA);
    const low = rows && temporary(rankB * n);
    if (columns) {
      multiply(backend, {
        key: 'plain',
        shape: [1, m, rankA],
        phases: [{ inner: n, pairs: [[shared('x', n), shared('f', rankA)]] }],
        inputs: { x, f: columns.f },
        outputs: { result: left! },
        finish: PLAIN,
      });
    }
    if (rows) {
      const small = columns && temporary(rankB * rankA);
      if (columns) {
        multiply(backend, {
          key: 'plain',
          shape: [1, rankB, rankA],
          phases: [{ inner: m, pairs: [[shared('h', rankB, true), shared('left', rankA)]] }],
          inputs: { h: rows.f, left: left! },
          outputs: { result: small! },
          finish: PLAIN,
        });
      }
      multiply(backend, {
        key: 'plain',
        shape: [1, rankB, n],
        phases: [
          { inner: m, pairs: [[shared('h', rankB, true), shared('x', n)]] },
          ...(columns
            ? [{ inner: rankA, pairs: [[shared('small', rankA), shared('other', rankA, true)]] } as const]
            : []),
        ],
        inputs: { h: rows.f, x, ...(columns && { small: small!, other: columns.other }) },
        outputs: { result: low! },
        finish: PLAIN,
      });
    }
    const phases: Phase[] = [];
    if (columns)
      phases.push({ inner: rankA, pairs: [[shared('left', rankA), shared('columnsOther', rankA, true)]] });
    if (rows) phases.push({ inner: rankB, pairs: [[shared('rowsOther', rankB), shared('low', n)]] });
    multiply(backend, {
      ...last,
      shape: [1, m, n],
      phases,
      inputs: {
        x,
        ...(columns && { left: left!, columnsOther: columns.other }),
        ...(rows && { rowsOther: rows.other, low: low! }),
        ...last.inputs,
      },
    });
  };
}

/** Writes the one sum. */
const PLAIN = 'result[at] = sum0;';
