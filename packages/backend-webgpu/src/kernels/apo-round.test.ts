/** Rounding to 16 bits against JavaScript's own rounding of integers: values around every boundary, ties, and random bits. */
import { createRandom, runEngineKernel } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from '../index.js';
import { backend, titleOf, whyNoWebgpu } from '../testing/setup.js';

const missing = await whyNoWebgpu();

/** To a multiple of `unit`, ties to even; all numbers here are exact in double precision. */
function toMultiple(x: number, unit: number): number {
  const quotient = x / unit;
  const floor = Math.floor(quotient);
  const rest = quotient - floor;
  return (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor) * unit;
}

/** Formats of `bits` of mantissa behind the leading one, smallest normal 2^lowest, largest finite number `largest`. */
function reference(x: number, bits: number, lowest: number, largest: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), lowest);
  const rounded = toMultiple(Math.abs(x), 2 ** (exponent - bits));
  return Math.sign(x) * (rounded > largest ? Infinity : rounded);
}

const formats = {
  bf16: (x: number) => reference(x, 7, -126, 2 ** 127 * (2 - 2 ** -7)),
  fp16: (x: number) => reference(x, 10, -14, 65_504),
} as const;

function inputs(): Float32Array {
  const boundaries = [0, -0, Infinity, -Infinity, NaN, 65_504, 65_519.996, 65_520, 65_536, 3e38, 3.4e38];
  const powers = Array.from({ length: 40 }, (_, i) => 2 ** (i - 27)).flatMap((power) =>
    [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1.5, 1 - 2 ** -24].flatMap((factor) => [
      power * factor,
      -power * factor,
    ]),
  );
  const random = createRandom(3);
  const numbers = Array.from(
    { length: 3000 },
    () => (2 * random.next() - 1) * 2 ** (random.integer(60) - 30),
  );
  return Float32Array.from([...boundaries, ...powers, ...numbers]);
}

describe.skipIf(missing !== undefined)(`rounding${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  test.each(['bf16', 'fp16'] as const)('to %s is to nearest, ties to even', async (precision) => {
    const before = [tf.memory().numTensors, backend().numDataIds()];
    const given = inputs();
    const [one, two] = tf.tidy(() => {
      const map = { a: tf.tensor1d(given), b: tf.tensor1d(given.slice(0, 7)) };
      return runEngineKernel('ApoRound', { roles: { x: map }, attributes: { precision } })!;
    });
    const values = await one!.data<'float32'>();
    values.forEach((value, i) =>
      expect([given[i], value]).toEqual([given[i], formats[precision](given[i]!)]),
    );
    expect(await two!.data()).toEqual(values.slice(0, 7));
    tf.dispose([one!, two!]);
    expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
  });
});
