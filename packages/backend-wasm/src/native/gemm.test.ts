/** `gemm` of our module, called on bare memory: rims and blocks, strides, both orders of C, and nothing written beside C. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { describeBuilds, nativeBuilds } from '../testing/builds.js';
import { evaluate, randomTensor, randomValues, startWasm } from '../testing/setup.js';
import { nativeFunctions } from './module.js';
import { pointerTo } from './pointers.js';

beforeAll(startWasm);

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Columns first: element (i, j) of C at i + j·m. */
  readonly transposeC: boolean;
  readonly accumulate: boolean;
  /** Floats between the end of a stored row and the next. */
  readonly gap: number;
}

const GUARD = -12345;

function check({ m, n, k, transposeA, transposeB, transposeC, accumulate, gap }: Case): void {
  const backend = tf.backend() as unknown as BackendWasm;
  const native = nativeFunctions(backend)!;
  const [aRows, aColumns] = transposeA ? [k, m] : [m, k];
  const [bRows, bColumns] = transposeB ? [n, k] : [k, n];
  const [cRows, cColumns] = transposeC ? [n, m] : [m, n];
  const a = randomTensor([aRows, aColumns + gap], 1);
  const b = randomTensor([bRows, bColumns + gap], 2);
  const c = tf.fill([cRows + 2, cColumns + gap], GUARD);
  const work = tf.fill([native.gemmScratchBytes(m, n, k) / 4 + 8], GUARD);
  const [at, aStride, bStride, cStride] = [
    pointerTo(backend, c) + 4 * (cColumns + gap),
    4 * (aColumns + gap),
    4 * (bColumns + gap),
    4 * (cColumns + gap),
  ];
  const [down, right] = transposeC ? [4, cStride] : [cStride, 4];
  const [x, y, w] = [a, b, work].map((tensor) => pointerTo(backend, tensor)) as [number, number, number];
  native.gemmBatch(
    1,
    0,
    0,
    0,
    m,
    n,
    k,
    x,
    aStride,
    transposeA,
    y,
    bStride,
    transposeB,
    at,
    down,
    right,
    accumulate,
    0,
    0,
    w,
    false,
  );
  const [left, rightValues, actual, space] = [a, b, c, work].map((tensor) => tensor.dataSync()) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  tf.dispose([a, b, c, work]);
  expect(space.slice(-8)).toEqual(new Float32Array(8).fill(GUARD));
  const isOutput = new Uint8Array(actual.length);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = accumulate ? GUARD : 0;
      let size = Math.abs(sum);
      for (let l = 0; l < k; l++) {
        const p = left[transposeA ? l * (aColumns + gap) + i : i * (aColumns + gap) + l]!;
        const q = rightValues[transposeB ? j * (bColumns + gap) + l : l * (bColumns + gap) + j]!;
        sum += p * q;
        size += Math.abs(p * q);
      }
      const index = cColumns + gap + (transposeC ? j * (cColumns + gap) + i : i * (cColumns + gap) + j);
      isOutput[index] = 1;
      // Each of the k additions rounds by at most 2⁻²⁴ of a partial sum, which `size` bounds; each product likewise.
      const bound = (k + 2) * 2 ** -24 * size + 1e-30;
      if (!(Math.abs(actual[index]! - sum) <= bound)) {
        expect.fail(`C[${i}, ${j}] is ${actual[index]!}; expected ${sum} within ${bound}`);
      }
    }
  }
  actual.forEach((value, index) => {
    if (isOutput[index] === 0 && value !== GUARD) expect.fail(`element ${index} beside C is now ${value}`);
  });
}

const flag = fc.boolean();
/** Around the sizes of tiles and the limits between ways, and anything between. */
const extent = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(127, 128, 129, 130));
const depth = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(255, 256, 257, 300));

describeBuilds('gemm', nativeBuilds, () => {
  it('is the product, for every form of the operands, and writes nothing else', () => {
    fc.assert(
      fc.property(
        fc.record({
          m: extent,
          n: extent,
          k: depth,
          transposeA: flag,
          transposeB: flag,
          transposeC: flag,
          accumulate: flag,
          gap: fc.constantFrom(0, 3),
        }),
        check,
      ),
      { seed: 5, numRuns: 250 },
    );
  });

  it('takes more than one block of columns', () => {
    const form = { transposeC: false, accumulate: false, gap: 0 };
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      check({ m: 50, n: 1030, k: 20, transposeA, transposeB, ...form });
      check({ m: 3, n: 1030, k: 20, transposeA, transposeB, ...form });
      check({ m: 1030, n: 3, k: 20, transposeA, transposeB, ...form });
    }
  });

  it('keeps denormal products and the sign of a zero sum like IEEE 754', () => {
    const tiny = 2 ** -149;
    const { values } = evaluate(() =>
      tf.matMul(tf.tensor2d([tiny, 0, 0, -0], [2, 2]), tf.tensor2d([1, -1, 1, 1], [2, 2])),
    );
    // [tiny·1 + 0·1, tiny·−1 + 0·1]; [0·1 − 0·1, 0·−1 − 0·1], where 0 + (−0) is 0: sums start from 0.
    expect(values).toEqual([tiny, -tiny, 0, 0]);
  });

  it('gives the same bits again', () => {
    const a = randomTensor([70, 300], 3);
    const b = randomTensor([300, 90], 4);
    const run = (): Float32Array => tf.tidy(() => tf.matMul(a, b).dataSync<'float32'>());
    expect(run()).toEqual(run());
    tf.dispose([a, b]);
  });

  it('survives the growth of the memory between and inside calls', () => {
    const [m, k, n] = [65, 40, 33];
    const [left, right] = [randomValues(m * k, 6), randomValues(k * n, 7)];
    const [a, b] = [tf.tensor2d(left, [m, k]), tf.tensor2d(right, [k, n])];
    const before = tf.tidy(() => tf.matMul(a, b).dataSync<'float32'>());
    const backend = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
    const size = backend.wasm.HEAPU8.length;
    const ballast = [tf.zeros([size / 8]), tf.zeros([size / 8])];
    expect(backend.wasm.HEAPU8.length).toBeGreaterThan(size);
    const after = tf.tidy(() => tf.matMul(a, b).dataSync<'float32'>());
    expect(after).toEqual(before);
    tf.dispose([a, b, ...ballast]);
  });
});
