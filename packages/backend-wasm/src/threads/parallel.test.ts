import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wasmBackend } from '../adapter.js';
import { chooseNativeBuild, nativeFunctions, runnableBuilds } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { expectClose, randomTensor, randomValues } from '../testing/setup.js';
import { multiplyMatrices } from './gemm.js';
import type { Product } from './gemm.js';
import { job, parallelFor, splitRange, startThreads, stopThreads, threadCount } from './parallel.js';

let backend: BackendWasm;

beforeAll(async () => {
  await wasmBackend({ threads: 2 }).activate();
  backend = tf.backend() as unknown as BackendWasm;
});

afterAll(() => tf.removeBackend('wasm'));

function expectSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`element ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

describe('splitRange', () => {
  it('covers the range once, in order, at multiples, with parts no shorter than the grain', async () => {
    for (const threads of [1, 2, 3, 4]) {
      await startThreads(backend, threads);
      fc.assert(
        fc.property(
          fc.nat(5000),
          fc.integer({ min: 1, max: 700 }),
          fc.constantFrom(1, 6, 16),
          (length, grain, multiple) => {
            const parts = splitRange(backend, length, { grain, multiple });
            expect(parts.length).toBeGreaterThan(0);
            expect(parts.length).toBeLessThanOrEqual(threads);
            expect(parts[0]!.start).toBe(0);
            expect(parts.at(-1).end).toBe(length);
            for (const [i, { start, end }] of parts.entries()) {
              if (i > 0) expect(start).toBe(parts[i - 1]!.end);
              expect(start % multiple).toBe(0);
              // Rounding to a multiple may cost a part at most one of them.
              if (parts.length > 1) expect(end - start).toBeGreaterThan(grain - 2 * multiple);
            }
          },
        ),
      );
    }
    await startThreads(backend, 2);
  });

  it('gives as many parts as threads where there is enough to do, and one where there is not', () => {
    expect(splitRange(backend, 1000, { grain: 500 })).toEqual([
      { start: 0, end: 500 },
      { start: 500, end: 1000 },
    ]);
    expect(splitRange(backend, 999, { grain: 500 })).toEqual([{ start: 0, end: 999 }]);
    expect(splitRange(backend, 0, { grain: 500 })).toEqual([{ start: 0, end: 0 }]);
  });
});

describe('parallelFor', () => {
  it.each(runnableBuilds())('gives the same bits as one call over everything, with the build %s', (build) => {
    chooseNativeBuild(build);
    const x = randomTensor([100_003], 1);
    const [whole, split] = [tf.zeros([100_003]), tf.zeros([100_003])];
    const [from, to, inParts] = [x, whole, split].map((tensor) => pointerTo(backend, tensor)) as [
      number,
      number,
      number,
    ];
    nativeFunctions(backend)!.exp(from, to, 100_003);
    parallelFor(
      backend,
      splitRange(backend, 100_003, { grain: 1000, multiple: 16 }).map(({ start, end }) =>
        job('exp', from + 4 * start, inParts + 4 * start, end - start),
      ),
    );
    expectSameBits(split.dataSync(), whole.dataSync());
    expect(split.dataSync()[100_002]).toBeGreaterThan(0);
    tf.dispose([x, whole, split]);
    chooseNativeBuild('auto');
  });

  it('runs the jobs in order on one thread', async () => {
    await startThreads(backend, 1);
    expect(threadCount(backend)).toBe(1);
    const x = tf.tensor1d(new Float32Array(16).fill(0.5));
    const at = pointerTo(backend, x);
    // sign(log(x)) is −1; in the other order log(sign(x)) is 0.
    parallelFor(backend, [job('log', at, at, 16), job('sign', at, at, 16)]);
    expect([...x.dataSync()]).toEqual(new Array<number>(16).fill(-1));
    x.dispose();
    await startThreads(backend, 2);
    expect(threadCount(backend)).toBe(2);
  });

  it('is refused by a pool that was stopped, until it is started again', async () => {
    stopThreads(backend);
    stopThreads(backend);
    expect(threadCount(backend)).toBe(1);
    await startThreads(backend, 2);
    expect(threadCount(backend)).toBe(2);
  });
});

describe('products of matrices on several threads', () => {
  /** A product of a[m, k] and b[k, n] (or their transposes), and the float64 reference. */
  function check(
    m: number,
    n: number,
    k: number,
    transposeA: boolean,
    transposeB: boolean,
    transposeC: boolean,
  ) {
    const a = randomValues(m * k, 1);
    const b = randomValues(k * n, 2);
    const tensors = [tf.tensor1d(a), tf.tensor1d(b), tf.fill([m * n], NaN), tf.fill([m * n], NaN)];
    const [pa, pb, pc, pd] = tensors.map((tensor) => pointerTo(backend, tensor)) as [
      number,
      number,
      number,
      number,
    ];
    const product = (c: number): Product => ({
      ...{ m, n, k, transposeA, transposeB, c, accumulate: false, a: pa, b: pb },
      aStride: 4 * (transposeA ? m : k),
      bStride: 4 * (transposeB ? k : n),
      cRowBytes: transposeC ? 4 : 4 * n,
      cColumnBytes: transposeC ? 4 * m : 4,
    });
    multiplyMatrices(backend, product(pc));
    multiplyMatrices(backend, product(pd));
    const [c, d] = [tensors[2]!.dataSync(), tensors[3]!.dataSync()];
    expectSameBits(c, d);
    for (let i = 0; i < m; i += Math.max(1, Math.floor(m / 7))) {
      for (let j = 0; j < n; j += Math.max(1, Math.floor(n / 7))) {
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum += a[transposeA ? l * m + i : i * k + l]! * b[transposeB ? j * k + l : l * n + j]!;
        const value = c[transposeC ? j * m + i : i * n + j]!;
        // Values are below 1, so k roundings of sums below k: a loose bound of k·2⁻²³ on the error.
        expect(Math.abs(value - sum)).toBeLessThan(k * 2 ** -21);
      }
    }
    tf.dispose(tensors);
    return c;
  }

  it.each([1, 2, 3])(
    'are right on %i threads, for either transpose and every way to split',
    async (threads) => {
      await startThreads(backend, threads);
      for (const [m, n, k] of [
        [64, 300, 200],
        [500, 40, 200],
        [300, 65, 100],
        [1, 3000, 400],
        [1000, 7, 500],
        [31, 33, 2000],
        [1, 1, 1],
      ] as const) {
        for (const [ta, tb, tc] of [
          [false, false, false],
          [true, false, false],
          [false, true, false],
          [true, true, true],
        ] as const) {
          check(m, n, k, ta, tb, tc);
        }
      }
      await startThreads(backend, 2);
    },
  );

  it.each([
    [40, 8, 8, 8],
    [3, 100, 110, 120],
    [200, 30, 20, 10],
    // Fewer products than threads: each is split.
    [2, 300, 130, 120],
  ])('are right in a batch of %i', async (count, m, n, k) => {
    await startThreads(backend, 3);
    const a = randomTensor([count, m, k], 3);
    const b = randomTensor([k, n], 4);
    const c = tf.zeros([count, m, n]);
    const [pa, pb, pc] = [a, b, c].map((tensor) => pointerTo(backend, tensor)) as [number, number, number];
    const product: Product = {
      ...{ m, n, k, transposeA: false, transposeB: false, accumulate: false, a: pa, b: pb, c: pc },
      ...{ aStride: 4 * k, bStride: 4 * n, cRowBytes: 4 * n, cColumnBytes: 4 },
    };
    multiplyMatrices(backend, product, { count, aStep: 4 * m * k, bStep: 0, cStep: 4 * m * n });
    // One right operand for all: the batch is just more rows.
    const rows = tf.zeros([count * m, n]);
    multiplyMatrices(backend, { ...product, m: count * m, c: pointerTo(backend, rows) });
    expectClose(c.dataSync(), rows.dataSync(), k * 2 ** -22);
    tf.dispose([a, b, c, rows]);
  });

  it('are the same bits each time', () => {
    const first = check(200, 300, 257, false, true, false);
    for (let i = 0; i < 5; i++) expectSameBits(check(200, 300, 257, false, true, false), first);
  });
});
