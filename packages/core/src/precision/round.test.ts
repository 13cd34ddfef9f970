/** Rounding against the formats' definition: every number of each, what lies between them, and a walk through all float32s. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { decode, everyNumber, fromBits, nearest, toBits } from '../../test/sixteen-bit.js';
import { isApoError, roundTo } from '../index.js';
import type { Precision } from '../index.js';
import { leaked } from '../../test/numeric.js';

function rounded(values: Float32Array, precision: Precision): Float32Array {
  return tf.tidy(() => roundTo(tf.tensor1d(values), precision).dataSync<'float32'>()).slice();
}

/** Some engines take float32's subnormal numbers for zero; then nothing can be said of them here. */
const flushes = (): boolean => tf.tidy(() => tf.mul(tf.scalar(2 ** -130), 1).dataSync()[0] === 0);

function known(values: Float32Array): Float32Array {
  return flushes() ? values.filter((x) => !(Math.abs(x) < 2 ** -126 && x !== 0)) : values;
}

/** Bit for bit, but that any NaN equals any other. */
function expectNearest(values: Float32Array, precision: Precision): void {
  const actual = rounded(values, precision);
  expect(actual.length).toBe(values.length);
  for (let i = 0; i < values.length; i++) {
    const expected = nearest(precision, values[i]!);
    if (!Object.is(actual[i], expected))
      expect.fail(
        `${values[i]!} (bits ${toBits(values[i]!).toString(16)}) gives ${actual[i]!}; expected ${expected}`,
      );
  }
}

describe.each(['bf16', 'fp16'] as const)('%s', (precision) => {
  it('leaves every number of the format as it is, the sign of zero included', () => {
    const numbers = known(everyNumber(precision));
    expect(rounded(numbers, precision)).toEqual(numbers);
  });

  it('takes the midpoint between neighbours to the even one, and what is next to it to the nearer', () => {
    const midpoints: number[] = [];
    const expected: number[] = [];
    // Positive patterns up to the one before infinity; the number after the largest finite one stands at infinity's place.
    const first = flushes() && precision === 'bf16' ? 2 ** 7 : 0; // the smallest normal one
    for (let pattern = first; Number.isFinite(decode(precision, pattern)); pattern++) {
      const [low, high] = [decode(precision, pattern), decode(precision, pattern + 1)];
      const step = pattern === 0 ? high : low - decode(precision, pattern - 1);
      const wide = Number.isFinite(high) ? high - low : step;
      const middle = low + wide / 2;
      const bits = toBits(middle);
      midpoints.push(middle, fromBits(bits - 1), fromBits(bits + 1));
      expected.push(pattern % 2 === 0 ? low : high, low, high);
    }
    expect(rounded(Float32Array.from(midpoints), precision)).toEqual(Float32Array.from(expected));
    const negative = (x: number): number => -x;
    expect(rounded(Float32Array.from(midpoints, negative), precision)).toEqual(
      Float32Array.from(expected, negative),
    );
  });

  it('gives the nearest number all through the float32s', () => {
    // An odd stride, so that the last bits take every value; 2³² / 3001 = 1.4 million inputs.
    const values = Float32Array.from({ length: Math.floor(2 ** 32 / 3001) }, (_, i) => fromBits(i * 3001));
    expectNearest(known(values), precision);
  });

  it('keeps NaN, infinities and zeros', () => {
    const special = Float32Array.of(
      NaN,
      Infinity,
      -Infinity,
      0,
      -0,
      fromBits(0x7f800001),
      fromBits(0xffffffff),
    );
    expect(rounded(special, precision)).toEqual(Float32Array.of(NaN, Infinity, -Infinity, 0, -0, NaN, NaN));
  });

  it('is straight-through, and rounds the cotangent', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([0.3, -7.7, 1e-3]);
      const cotangent = tf.tensor1d([1.0001, 0.7, -3e-3]);
      const gradient = tf.grad((t: tf.Tensor) => roundTo(t, precision))(x, cotangent);
      const expected = cotangent.dataSync().map((value) => nearest(precision, value));
      expect(gradient.dataSync()).toEqual(expected);
    });
  });

  it('leaks nothing, of any shape, and gives the same bits again', async () => {
    for (const shape of [[], [0], [1], [3, 5], [2, 3, 4, 5]]) {
      const once = (): Float32Array =>
        tf.tidy(() => roundTo(tf.fill(shape, 0.1), precision).dataSync<'float32'>().slice());
      expect(once()).toEqual(once());
      expect(
        await leaked(() => {
          const x = tf.fill(shape, 0.1);
          const y = roundTo(x, precision);
          expect(y.shape).toEqual(shape);
          tf.dispose([x, y]);
        }),
      ).toBe(0);
    }
  });
});

it('rounds float16 to infinity from 65520 on, and bfloat16 from half a spacing above its largest', () => {
  const around = Float32Array.of(65504, 65519.996, 65520, -65519.996, -65520, 1e30, -3e38);
  expect(rounded(around, 'fp16')).toEqual(
    Float32Array.of(65504, 65504, Infinity, -65504, -Infinity, Infinity, -Infinity),
  );
  // bfloat16's largest is 255 · 2¹²⁰; half a spacing further is 255.5 · 2¹²⁰.
  const large = Float32Array.of(2 ** 100 * 1.0039, 255.5 * 2 ** 120, fromBits(toBits(255.5 * 2 ** 120) - 1));
  expect(rounded(large, 'bf16')).toEqual(
    Float32Array.of(nearest('bf16', large[0]!), Infinity, 255 * 2 ** 120),
  );
});

it('refuses another precision and other types, leaking nothing', async () => {
  const refusal = (body: () => unknown): string => {
    try {
      body();
    } catch (error) {
      if (isApoError(error) && error.code === 'INVALID_ARGUMENT') return error.message;
    }
    return expect.fail('it should have been refused');
  };
  expect(
    await leaked(() => {
      const x = tf.tensor1d([1, 2], 'int32');
      expect(refusal(() => roundTo(x, 'bf16'))).toContain('not int32');
      expect(refusal(() => roundTo(x, 'fp8' as unknown as Precision))).toContain(
        `"fp8"; expected one of 'bf16', 'fp16'`,
      );
      x.dispose();
    }),
  ).toBe(0);
});
