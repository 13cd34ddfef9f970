/**
 * ApoKroneckerGradient: the vector–Jacobian product of one block with whole matrices A and B, in at most five products. G and W = −ηV lie one after the other, as do all
 * that is made of them: X A, then T and N, and B of these. See `KroneckerKernelAttributes` of @apo/core.
 */
import type { KroneckerKernelAttributes } from '@apo/core';
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, bufferLimit, sizeOf } from '../compute.js';
import { defineKernel } from '../kernel.js';
import { each, half, pack, roleOf, shared, sumOf, withTemporaries } from '../preconditioner/block.js';
import type { BlockInputs } from '../preconditioner/block.js';
import { rotatedPair } from '../preconditioner/rotated-pair.js';
import { multiply } from '../product/product.js';
import type { Phase, Product } from '../product/product.js';

/** Of packing, with two parts each. */
const BUFFERS = 6;

export const apoKroneckerGradient = defineKernel<BlockInputs, KroneckerKernelAttributes>(
  'ApoKroneckerGradient',
  ({ inputs, attrs: { count, place }, backend }) => {
    const { scale, columns, rows, rates } = inputs;
    const declines = sizeOf(scale!) === 0 || (columns === undefined && rows === undefined);
    if (declines || bufferLimit(backend) < BUFFERS) return [];
    const [m, n] = scale!.shape as [number, number];
    return withTemporaries(backend, (temporary) => {
      const into = (
        result: tf.TensorInfo,
        shape: Product['shape'],
        phases: readonly Phase[],
        given: Readonly<Record<string, tf.TensorInfo>>,
      ): tf.TensorInfo => {
        const finish = 'result[at] = sum0;';
        multiply(backend, { key: 'plain', shape, phases, inputs: given, outputs: { result }, finish });
        return result;
      };
      const one = (inner: number, ...pair: Phase['pairs'][number]): Phase => ({ inner, pairs: [pair] });

      const x = temporary(2 * m * n);
      pack(backend, x, roleOf(inputs, 'gradient', count), {
        parts: roleOf(inputs, 'cotangent', count),
        rates: rates!,
        place,
      });
      // Without B, X A is R and Q, which need not be written.
      const xA =
        columns && rows
          ? into(temporary(2 * m * n), [1, 2 * m, n], [one(n, shared('x', n), shared('columns', n))], {
              x,
              columns,
            })
          : x;
      const byScale = allocate(backend, scale!.shape);
      const right = shared('columns', n);
      const left = rows && shared('rows', m, true);
      const { pair, totals, groups } = rotatedPair(backend, temporary, {
        shape: [m, n],
        phases: [
          left
            ? {
                inner: m,
                pairs: [
                  [left, half('x', 0, m, n)],
                  [left, half('x', 1, m, n)],
                ],
              }
            : {
                inner: n,
                pairs: [
                  [half('x', 0, m, n), right],
                  [half('x', 1, m, n), right],
                ],
              },
        ],
        inputs: { x: xA, ...(rows ? { rows } : { columns: columns! }) },
        r: 'sum0',
        q: 'sum1',
        scale: scale!,
        byScale,
      });
      const gradients = [byScale];
      if (columns) {
        const through = rows
          ? into(temporary(2 * m * n), [2, m, n], [one(m, shared('rows', m), each('x', m, n))], {
              rows,
              x: pair,
            })
          : pair;
        // WᵀB T + GᵀB N.
        const phases = [
          one(m, half('x', 1, m, n, true), half('y', 0, m, n)),
          one(m, half('x', 0, m, n, true), half('y', 1, m, n)),
        ];
        gradients.push(into(allocate(backend, columns.shape), [1, n, n], phases, { x, y: through }));
      }
      if (rows) {
        // (W A) Tᵀ + (G A) Nᵀ.
        const phases = [
          one(n, half('x', 1, m, n), half('y', 0, m, n, true)),
          one(n, half('x', 0, m, n), half('y', 1, m, n, true)),
        ];
        gradients.push(into(allocate(backend, rows.shape), [1, m, m], phases, { x: xA, y: pair }));
      }
      return [...gradients, sumOf(backend, pair, totals, groups)];
    });
  },
);
