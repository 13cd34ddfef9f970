/**
 * ApoLowRankGradient: the vector–Jacobian product of one block of a low-rank preconditioner. G and −ηV lie one after the other, as do all that is made of them: X U_A,
 * U_Bᵀ X A, then T and N, and their products. See `LowRankKernelAttributes` of @apo/core.
 */
import type { LowRankKernelAttributes } from '@apo/core';
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, bufferLimit, sizeOf } from '../compute.js';
import { defineKernel } from '../kernel.js';
import { each, half, pack, roleOf, shared, sumOf, withTemporaries } from '../preconditioner/block.js';
import type { BlockInputs } from '../preconditioner/block.js';
import { rotatedPair } from '../preconditioner/rotated-pair.js';
import { multiply } from '../product/product.js';
import type { Phase, Product } from '../product/product.js';

/** Of the product that makes T and N. */
const BUFFERS = 8;

export const apoLowRankGradient = defineKernel<BlockInputs, LowRankKernelAttributes>(
  'ApoLowRankGradient',
  ({ inputs, attrs: { count, place }, backend }) => {
    const { scale, columnU, columnV, rowU, rowV, rates } = inputs;
    if (sizeOf(scale!) === 0 || bufferLimit(backend) < BUFFERS) return [];
    const [m, n] = scale!.shape as [number, number];
    const columns = columnU && columnV && { u: columnU, v: columnV, rank: columnU.shape[1]! };
    const rows = rowU && rowV && { u: rowU, v: rowV, rank: rowU.shape[1]! };
    const rankA = columns?.rank ?? 0;
    const rankB = rows?.rank ?? 0;

    return withTemporaries(backend, (temporary) => {
      /** A product into a new vector, dense, one matrix of the batch after the other. */
      const into = (
        output: tf.TensorInfo,
        shape: Product['shape'],
        phases: readonly Phase[],
        given: Readonly<Record<string, tf.TensorInfo>>,
        finish = 'result[at] = sum0;',
      ): tf.TensorInfo => {
        multiply(backend, { key: finish, shape, phases, inputs: given, outputs: { result: output }, finish });
        return output;
      };
      const made = (
        shape: Product['shape'],
        ...rest: [readonly Phase[], Readonly<Record<string, tf.TensorInfo>>, string?]
      ): tf.TensorInfo => into(temporary(shape[0] * shape[1] * shape[2]), shape, ...rest);
      const one = (inner: number, ...pair: Phase['pairs'][number]): Phase => ({ inner, pairs: [pair] });

      const x = temporary(2 * m * n);
      pack(backend, x, roleOf(inputs, 'gradient', count), {
        parts: roleOf(inputs, 'cotangent', count),
        rates: rates!,
        place,
      });
      const left =
        columns && made([1, 2 * m, rankA], [one(n, shared('x', n), shared('f', rankA))], { x, f: columns.u });
      const small =
        columns &&
        rows &&
        made([2, rankB, rankA], [one(m, shared('h', rankB, true), each('left', m, rankA))], {
          h: rows.u,
          left: left!,
        });
      const low =
        rows &&
        made(
          [2, rankB, n],
          [
            one(m, shared('h', rankB, true), each('x', m, n)),
            ...(columns ? [one(rankA, each('small', rankB, rankA), shared('f', rankA, true))] : []),
          ],
          { h: rows.u, x, ...(columns && { small: small!, f: columns.v }) },
        );

      const byScale = allocate(backend, scale!.shape);
      const phases: Phase[] = [];
      if (columns) {
        const right = shared('columnV', rankA, true);
        phases.push({
          inner: rankA,
          pairs: [
            [half('left', 0, m, rankA), right],
            [half('left', 1, m, rankA), right],
          ],
        });
      }
      if (rows) {
        const v = shared('rowV', rankB);
        phases.push({
          inner: rankB,
          pairs: [
            [v, half('low', 0, rankB, n)],
            [v, half('low', 1, rankB, n)],
          ],
        });
      }
      const { pair, totals, groups } = rotatedPair(backend, temporary, {
        shape: [m, n],
        phases,
        inputs: {
          x,
          ...(columns && { left: left!, columnV: columns.v }),
          ...(rows && { rowV: rows.v, low: low! }),
        },
        r: 'sum0 + get_x(at)',
        q: `sum1 + get_x(at + u32(uniforms.rows) * u32(uniforms.columns))`,
        scale: scale!,
        byScale,
      });
      const inner = sumOf(backend, pair, totals, groups);

      const narrow =
        columns &&
        made([1, 2 * m, rankA], [one(n, shared('y', n), shared('f', rankA))], { y: pair, f: columns.v });
      const smallY =
        columns &&
        rows &&
        made([2, rankB, rankA], [one(m, shared('h', rankB, true), each('narrow', m, rankA))], {
          h: rows.v,
          narrow: narrow!,
        });
      const gradients = [byScale];
      if (columns) {
        /** F y for the factor I + U_B V_Bᵀ or its transpose: y + `h` `s`. */
        const through = (y: tf.TensorInfo, h: tf.TensorInfo, s: tf.TensorInfo): tf.TensorInfo =>
          made(
            [2, m, rankA],
            [one(rankB, shared('h', rankB), each('s', rankB, rankA))],
            { h, s, y },
            'result[at] = sum0 + get_y(at);',
          );
        const byNarrow = rows ? through(narrow!, rows.u, smallY!) : narrow!;
        const byLeft = rows ? through(left!, rows.v, small!) : left!;
        const crossed = (matrices: tf.TensorInfo, others: tf.TensorInfo): tf.TensorInfo =>
          into(
            allocate(backend, columns.u.shape),
            [1, n, rankA],
            [
              one(m, half('x', 1, m, n, true), half('y', 0, m, rankA)),
              one(m, half('x', 0, m, n, true), half('y', 1, m, rankA)),
            ],
            { x: matrices, y: others },
          );
        // VᵀB (T V_A) + GᵀB (N V_A), and NᵀBᵀ(G U_A) + TᵀBᵀ(V U_A).
        gradients.push(crossed(x, byNarrow), crossed(pair, byLeft));
      }
      if (rows) {
        const wide = made([2, rankB, n], [one(m, shared('h', rankB, true), each('y', m, n))], {
          h: rows.v,
          y: pair,
        });
        const crossed = (a: 0 | 1, b: 0 | 1): Phase[] => [
          one(n, half('x', a, m, n), half('wide', b, rankB, n, true)),
          ...(columns ? [one(rankA, half('left', a, m, rankA), half('small', b, rankB, rankA, true))] : []),
        ];
        const shape = [1, m, rankB] as const;
        // (V A)(Tᵀ V_B) + (G A)(Nᵀ V_B) with X A = X + (X U_A) V_Aᵀ.
        gradients.push(
          into(allocate(backend, rows.u.shape), shape, [...crossed(1, 0), ...crossed(0, 1)], {
            x,
            wide,
            ...(columns && { left: left!, small: smallY! }),
          }),
          // T (U_Bᵀ V A)ᵀ + N (U_Bᵀ G A)ᵀ.
          into(
            allocate(backend, rows.v.shape),
            shape,
            [
              one(n, half('y', 0, m, n), half('low', 1, rankB, n, true)),
              one(n, half('y', 1, m, n), half('low', 0, rankB, n, true)),
            ],
            { y: pair, low: low! },
          ),
        );
      }
      return [...gradients, inner];
    });
  },
);
