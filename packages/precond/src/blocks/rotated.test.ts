import * as tf from '@tensorflow/tfjs-core';
import '@apo/core';
import { createRandom } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { disturbed, expectClose, leaked, normalTensor, values } from '../../test/tensors.js';
import { blockDiagonalFactor } from '../factors/block-diagonal.js';
import type { Factor } from '../factors/factor.js';
import { fullFactor } from '../factors/full.js';
import { identityFactor } from '../factors/identity.js';
import { lowRankFactor } from '../factors/low-rank.js';
import type { RowsOfLayer } from '../layer-rows.js';
import { kroneckerBlock } from './kronecker.js';
import { withRotation } from './rotated.js';
import { rotatedFlops } from './rotation-flops.js';

const kinds: Record<string, (entry: string, size: number) => Factor> = {
  identity: () => identityFactor,
  full: fullFactor,
  'low rank': (entry, size) => lowRankFactor(entry, size, 6),
  blocks: (entry, size) => blockDiagonalFactor(entry, size, size / 2),
};

const [M, N] = [12, 16];
const ROWS = 2;

/** Rows × columns, such that the rotation pays with two rows. */
const pairs: [string, string][] = [
  ['full', 'full'],
  ['full', 'identity'],
  ['identity', 'full'],
  ['blocks', 'full'],
  ['blocks', 'blocks'],
  ['full', 'low rank'],
  ['low rank', 'full'],
];

/** A block `[M, N]` at a φ away from the start, two rows with their product as the gradient, and a cotangent. */
function setting(rowKind: string, columnKind: string) {
  const factors = { columns: kinds[columnKind]!('x.A', N), rows: kinds[rowKind]!('x.B', M) };
  const plain = kroneckerBlock('x.S', [M, N], factors);
  const start = tf.tidy(() => plain.initialPhi(createRandom(1), 1));
  const phi = disturbed(start);
  tf.dispose(start);
  const rows = {
    inputs: normalTensor([ROWS, M], 21) as tf.Tensor2D,
    outputs: normalTensor([ROWS, N], 22) as tf.Tensor2D,
  };
  const g: tf.Tensor2D = tf.matMul(rows.inputs, rows.outputs, true);
  const w = normalTensor([M, N], 23) as tf.Tensor2D;
  const rotated = withRotation(plain, 'x.S', [M, N], factors).atRows!({ count: ROWS, rows: () => rows })!;
  return { plain, rotated, factors, phi, g, w, dispose: () => tf.dispose([phi, Object.values(rows), g, w]) };
}

describe.each(pairs)('over the rows, with %s rows and %s columns', (rowKind, columnKind) => {
  it('a step and its gradient are those of X̄ᵀΔ', () => {
    const { plain, rotated, phi, g, w, dispose } = setting(rowKind, columnKind);
    tf.tidy(() => {
      // What it is given as g has no part in it.
      const other = tf.zerosLike(g);
      expectClose(values(rotated.apply(phi, other)), values(plain.apply(phi, g)), 1e-5);
      expectClose(values(rotated.inner(phi, other, w)), values(plain.inner(phi, g, w)), 1e-5);
      const [own, expected] = [rotated.gradient(phi, other, w), plain.gradient(phi, g, w)];
      expectClose(values(own.inner), values(expected.inner), 1e-5);
      expect(Object.keys(own.phi).sort()).toEqual(Object.keys(expected.phi).sort());
      for (const [name, tensor] of Object.entries(expected.phi))
        expectClose(values(own.phi[name]!), values(tensor), 2e-5);
    });
    dispose();
  });

  it('the operations counted are those of the products that run', async () => {
    const { rotated, factors, phi, g, w, dispose } = setting(rowKind, columnKind);
    const counted = async (run: () => void): Promise<number> => {
      const { kernels } = await tf.profile(() => {
        tf.tidy(run);
      });
      const products = kernels.filter(({ name }) => name === 'BatchMatMul');
      // The inner dimension k from the sizes m·k, k·n and m·n (times a batch b for blocks): k² = (m·k)(k·n) / (m·n).
      return products.reduce((sum, { inputShapes, outputShapes }) => {
        const [left, right] = inputShapes as [number[], number[]];
        const out = outputShapes[0]!;
        const [b, size] = [out.length === 3 ? out[0]! : 1, tf.util.sizeFromShape];
        return sum + 2 * size(out) * Math.sqrt((size(left) * size(right)) / (size(out) * b));
      }, 0);
    };
    const { flops, gradientFlops } = rotatedFlops([M, N], factors, ROWS);
    expect((await counted(() => void rotated.apply(phi, g))) + 2 * M * N).toBeCloseTo(flops, 6);
    expect((await counted(() => void rotated.gradient(phi, g, w))) + 8 * M * N).toBeCloseTo(gradientFlops, 6);
    dispose();
  });

  it('leaves no tensor behind, and gives the same bits again', async () => {
    const runs: number[][] = [];
    const lost = await leaked(() => {
      for (let run = 0; run < 2; run++) {
        const { rotated, phi, g, w, dispose } = setting(rowKind, columnKind);
        tf.tidy(() => {
          const { phi: gradient, inner } = rotated.gradient(phi, g, w);
          runs.push([rotated.apply(phi, g), inner, ...Object.values(gradient)].flatMap(values));
        });
        dispose();
      }
    });
    expect(lost).toBe(0);
    expect(runs[0]).toEqual(runs[1]);
  });
});

describe('the choice', () => {
  const block = (m: number, n: number) => {
    const factors = { columns: fullFactor('x.A', n), rows: fullFactor('x.B', m) };
    return withRotation(kroneckerBlock('x.S', [m, n], factors), 'x.S', [m, n], factors);
  };

  it('is made by the operations of the step and of its gradient, each for itself', () => {
    const [m, n] = [1000, 1000];
    const { flops, gradientFlops, flopsAt } = block(m, n);
    const elements = m * n;
    // 8 m³ from G; with N rows 6 N m² in place of 4 m³. The gradient is 20 m³; with N rows 14 N m² in place of 10 m³.
    expect(flops).toBe(8e9 + 2 * elements);
    expect(gradientFlops).toBe(20e9 + 8 * elements);
    expect(flopsAt!(100)).toEqual({
      flops: 4e9 + 6 * 100 * elements + 2 * elements,
      gradientFlops: 10e9 + 14 * 100 * elements + 8 * elements,
    });
    // 0.9 of them: at 533 rows for the step (4 + 6 N / 1000 = 7.2), at 571 for the gradient (10 + 14 N / 1000 = 18).
    expect(flopsAt!(533).flops).toBeLessThan(flops);
    expect(flopsAt!(534).flops).toBe(flops);
    expect(flopsAt!(571).gradientFlops).toBeLessThan(gradientFlops);
    expect(flopsAt!(572)).toEqual({ flops, gradientFlops });
  });

  it('leaves a layer with a short side alone', () => {
    const { flops, gradientFlops, flopsAt } = block(1001, 10);
    expect(flopsAt!(100)).toEqual({ flops, gradientFlops });
  });

  it('is none for more rows than pay', () => {
    const own = block(4, 4);
    const rows = (count: number): RowsOfLayer => ({
      count,
      rows: () => ({ inputs: tf.zeros([count, 4]), outputs: tf.zeros([count, 4]) }),
    });
    expect(own.atRows!(rows(1))).toBeDefined();
    expect(own.atRows!(rows(3))).toBeUndefined();
  });
});
