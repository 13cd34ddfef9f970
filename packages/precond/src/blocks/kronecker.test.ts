import * as tf from '@tensorflow/tfjs-core';
import '@apo/core';
import { createRandom } from '@apo/core';
import type { TensorMap } from '@apo/core';
import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import {
  columnMajor,
  densePreconditioner,
  differences,
  innerProduct,
  multiply,
  numbers,
  referenceUpdate,
} from '../../test/reference.js';
import { disturbed, expectClose, leaked, normalTensor, toRows, values } from '../../test/tensors.js';
import { blockDiagonalFactor } from '../factors/block-diagonal.js';
import type { Factor } from '../factors/factor.js';
import { fullFactor } from '../factors/full.js';
import { identityFactor } from '../factors/identity.js';
import { lowRankFactor } from '../factors/low-rank.js';
import { kroneckerBlock } from './kronecker.js';

const kinds: Record<string, (entry: string, size: number) => Factor> = {
  identity: () => identityFactor,
  full: fullFactor,
  'low rank': (entry, size) => lowRankFactor(entry, size, 2),
  'blocks that fit': (entry, size) => blockDiagonalFactor(entry, size, size / 2),
  'blocks with a remainder': (entry, size) => blockDiagonalFactor(entry, size, size - 1),
};

const [M, N] = [4, 6];

/** Rows × columns. */
const pairs: [string, string][] = [
  ...Object.keys(kinds).map((kind): [string, string] => [kind, kind]),
  ['identity', 'low rank'],
  ['low rank', 'identity'],
  ['full', 'low rank'],
  ['low rank', 'full'],
  ['low rank', 'blocks with a remainder'],
  ['blocks with a remainder', 'full'],
];

/** A block `[m, n]` at a φ away from the start, with a gradient and a cotangent. */
function setting(rows: string, columns: string, m = M, n = N) {
  const block = kroneckerBlock('x.S', [m, n], {
    columns: kinds[columns]!('x.A', n),
    rows: kinds[rows]!('x.B', m),
  });
  const start = tf.tidy(() => block.initialPhi(createRandom(1), 1));
  const phi = disturbed(start);
  tf.dispose(start);
  const g = normalTensor([m, n], 21) as tf.Tensor2D;
  const w = normalTensor([m, n], 22) as tf.Tensor2D;
  return { block, phi, g, w, dispose: () => tf.dispose([phi, g, w]) };
}

describe.each(pairs)('a block with %s rows and %s columns', (rows, columns) => {
  it('is P_S of the dense Kronecker matrix on column-major vectors', () => {
    const { block, phi, g, dispose } = setting(rows, columns);
    const update = tf.tidy(() => toRows(block.apply(phi, g)));
    const dense = densePreconditioner(numbers(phi), 'x', M, N);
    const expected = multiply(dense, columnMajor(toRows(g)));
    expectClose(columnMajor(update).flat(), expected.flat(), 1e-5);
    dispose();
  });

  it('has the gradient of central differences in double precision', () => {
    const { block, phi, g, w, dispose } = setting(rows, columns);
    const [gRows, wRows] = [toRows(g), toRows(w)];
    const expected = differences((at) => innerProduct(wRows, referenceUpdate(at, 'x', gRows)), numbers(phi));
    tf.tidy(() => {
      const { phi: gradient, inner } = block.gradient(phi, g, w);
      expect(Object.keys(gradient).sort()).toEqual(Object.keys(phi).sort());
      for (const [name, numeric] of Object.entries(expected)) {
        expect(gradient[name]!.shape).toEqual(phi[name]!.shape);
        expectClose(values(gradient[name]!), numeric, 2e-5);
      }
      const value = innerProduct(wRows, referenceUpdate(numbers(phi), 'x', gRows));
      expectClose([...values(inner), ...values(block.inner(phi, g, w))], [value, value], 1e-5);
    });
    dispose();
  });

  it('has the gradient of automatic differentiation', () => {
    const { block, phi, g, w, dispose } = setting(rows, columns);
    const names = Object.keys(phi);
    tf.tidy(() => {
      const automatic = tf.grads((...entries: tf.Tensor[]) =>
        tf.sum(tf.mul(w, block.apply(Object.fromEntries(names.map((name, i) => [name, entries[i]!])), g))),
      )(Object.values(phi));
      const { phi: gradient } = block.gradient(phi, g, w);
      names.forEach((name, i) => expectClose(values(gradient[name]!), values(automatic[i]!), 1e-5));
    });
    dispose();
  });

  it('is symmetric and positive semi-definite for any φ', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.double({ min: 0.1, max: 3 }), (seed, deviation) => {
        const { block, phi: start, dispose } = setting(rows, columns);
        const phi = disturbed(start, deviation, seed);
        tf.tidy(() => {
          const x = normalTensor([M, N], seed + 1) as tf.Tensor2D;
          const y = normalTensor([M, N], seed + 2) as tf.Tensor2D;
          const [px, py] = [block.apply(phi, x), block.apply(phi, y)];
          const product = (a: tf.Tensor, b: tf.Tensor): number => innerProduct(toRows(a), toRows(b));
          const size = Math.sqrt(product(px, px) * product(y, y));
          expect(Math.abs(product(px, y) - product(x, py))).toBeLessThanOrEqual(2e-6 * size + 1e-6);
          expect(product(px, x)).toBeGreaterThanOrEqual(-2e-6 * Math.sqrt(product(px, px) * product(x, x)));
        });
        tf.dispose(phi);
        dispose();
      }),
      { numRuns: 10, seed: 7 },
    );
  });

  it('starts as the identity, to the bit', () => {
    const { block, g, dispose } = setting(rows, columns);
    const phi = tf.tidy(() => block.initialPhi(createRandom(3), 1));
    tf.tidy(() => {
      expect(values(block.apply(phi, g))).toEqual(values(g));
    });
    tf.dispose(phi);
    dispose();
  });

  it('counts its parameters and leaves no tensor behind', async () => {
    const lost = await leaked(() => {
      const { block, phi, g, w, dispose } = setting(rows, columns);
      expect(block.parameters).toBe(Object.values(phi).reduce((sum, { size }) => sum + size, 0));
      tf.tidy(() => {
        block.apply(phi, g);
        block.gradient(phi, g, w);
        block.inner(phi, g, w);
      });
      dispose();
    });
    expect(lost).toBe(0);
  });
});

describe('a block of any shape', () => {
  it('agrees with the dense formula', () => {
    const kind = fc.constantFrom('identity', 'full', 'low rank', 'blocks with a remainder');
    const side = fc.integer({ min: 2, max: 9 });
    fc.assert(
      fc.property(kind, kind, side, side, (rows, columns, m, n) => {
        const { block, phi, g, dispose } = setting(rows, columns, m, n);
        const update = tf.tidy(() => toRows(block.apply(phi, g)));
        expectClose(update.flat(), referenceUpdate(numbers(phi), 'x', toRows(g)).flat(), 1e-5);
        dispose();
      }),
      { numRuns: 60, seed: 11 },
    );
  });
});

describe('low rank', () => {
  it('is the full form with A = I + U Vᵀ and B likewise', () => {
    const low = setting('low rank', 'low rank');
    const full = kroneckerBlock('x.S', [M, N], {
      columns: fullFactor('x.A', N),
      rows: fullFactor('x.B', M),
    });
    tf.tidy(() => {
      const { phi, g, w } = low;
      const whole = (entry: string, size: number): tf.Tensor =>
        tf.add(
          tf.eye(size),
          tf.matMul(phi[`${entry}.U`] as tf.Tensor2D, phi[`${entry}.V`] as tf.Tensor2D, false, true),
        );
      const same: TensorMap = { 'x.A': whole('x.A', N), 'x.B': whole('x.B', M), 'x.S': phi['x.S']! };
      expectClose(values(low.block.apply(phi, g)), values(full.apply(same, g)), 1e-5);
      // ∂/∂U = (∂/∂A) V and ∂/∂V = (∂/∂A)ᵀ U
      const [own, ofFull] = [low.block.gradient(phi, g, w).phi, full.gradient(same, g, w).phi];
      for (const entry of ['x.A', 'x.B']) {
        const [u, v] = [phi[`${entry}.U`] as tf.Tensor2D, phi[`${entry}.V`] as tf.Tensor2D];
        const dense = ofFull[entry] as tf.Tensor2D;
        expectClose(values(own[`${entry}.U`]!), values(tf.matMul(dense, v)), 1e-5);
        expectClose(values(own[`${entry}.V`]!), values(tf.matMul(dense, u, true)), 1e-5);
      }
    });
    low.dispose();
  });

  it('costs 16 m n r operations a step against 4 m n (m + n)', () => {
    const [m, n, r] = [1001, 1000, 16];
    const flops = (make: (entry: string, size: number) => Factor): number =>
      kroneckerBlock('x.S', [m, n], { columns: make('x.A', n), rows: make('x.B', m) }).flops;
    const own = 2 * m * n; // S⊙S⊙R
    // And twice a product of [r, m] with [m, r] and of [r, r] with [r, n].
    const small = 4 * r * r * (m + n);
    expect(flops((entry, size) => lowRankFactor(entry, size, r)) - own - small).toBe(16 * m * n * r);
    expect(flops(fullFactor) - own).toBe(4 * m * n * (m + n));
  });
});

describe.each(pairs)('operations with %s rows and %s columns', (rows, columns) => {
  it('are those of the products that run', async () => {
    const { block, phi, g, w, dispose } = setting(rows, columns);
    const counted = async (run: () => void): Promise<number> => {
      const { kernels } = await tf.profile(() => {
        tf.tidy(run);
      });
      const products = kernels.filter(({ name }) => name === 'BatchMatMul');
      // An inner dimension k, from the sizes m·k, k·n and m·n (times a batch b for blocks): k² = (m·k)(k·n) / (m·n).
      return products.reduce((sum, { inputShapes, outputShapes }) => {
        const [left, right] = inputShapes as [number[], number[]];
        const out = outputShapes[0]!;
        const [b, size] = [out.length === 3 ? out[0]! : 1, tf.util.sizeFromShape];
        const inner = Math.sqrt((size(left) * size(right)) / (size(out) * b));
        return sum + 2 * size(out) * inner;
      }, 0);
    };
    // And element by element 2 for each number of S in `apply`, 8 in `gradient`.
    expect(block.flops).toBe((await counted(() => void block.apply(phi, g))) + 2 * M * N);
    expect(block.gradientFlops).toBe((await counted(() => void block.gradient(phi, g, w))) + 8 * M * N);
    dispose();
  });
});

describe('an element of S that is zero', () => {
  it('has a zero gradient, and stays', () => {
    const { block, phi, g, w, dispose } = setting('full', 'full');
    tf.tidy(() => {
      const scales = values(phi['x.S']!).map((s, i) => (i === 3 ? 0 : s));
      const gradient = block.gradient({ ...phi, 'x.S': tf.tensor2d(scales, [M, N]) }, g, w).phi['x.S']!;
      const zeros = values(gradient).flatMap((value, i) => (value === 0 ? [i] : []));
      expect(zeros).toEqual([3]);
    });
    dispose();
  });
});
