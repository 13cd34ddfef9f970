/** Rounding to bfloat16 and float16 by bits against @apo/core's plain ops, which its own tests compare with the formats' definition. */
import * as tf from '@tensorflow/tfjs-core';
import { roundTo } from '@apo/core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { installTrainingKernels, removeTrainingKernels } from '../install.js';
import { chooseNativeBuild } from '../native/module.js';
import { allBuilds } from '../testing/builds.js';
import { evaluate, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);
afterEach(() => {
  installTrainingKernels();
  chooseNativeBuild('auto');
});

/** float32s by their bits, from `start` on, every `stride`-th of the 2³². */
function walk(start: number, stride: number): Float32Array {
  const bits = Uint32Array.from({ length: Math.floor(2 ** 32 / stride) }, (_, i) => start + i * stride);
  return new Float32Array(bits.buffer);
}

/** The bits of the rounded values, every NaN as one. */
function roundedBits(values: Float32Array, precision: 'bf16' | 'fp16'): Uint32Array {
  const rounded = tf.tidy(() => roundTo(tf.tensor1d(values), precision).dataSync<'float32'>()).slice();
  for (let i = 0; i < rounded.length; i++) if (Number.isNaN(rounded[i])) rounded[i] = NaN;
  return new Uint32Array(rounded.buffer);
}

function firstDifference(actual: Uint32Array, expected: Uint32Array): number {
  return actual.length === expected.length ? actual.findIndex((bits, i) => bits !== expected[i]) : 0;
}

describe.each(['bf16', 'fp16'] as const)('%s', (precision) => {
  it.each([
    // An odd stride changes the last bits with every input; that of 2¹² meets every number and midpoint of both formats.
    ['an odd stride', 0, 12_001],
    ['midpoints and numbers', 0, 2 ** 12],
    ['just above them', 1, 2 ** 12],
    ['just below them', 2 ** 12 - 1, 2 ** 12],
  ])('gives the bits of plain ops all through the float32s, %s', (_, start, stride) => {
    const values = walk(start, stride);
    removeTrainingKernels();
    const expected = roundedBits(values, precision);
    installTrainingKernels();
    for (const build of allBuilds) {
      chooseNativeBuild(build);
      expect(firstDifference(roundedBits(values, precision), expected)).toBe(-1);
    }
  });

  it('rounds any shape and length, leaves its operand alone, leaks nothing and gives the same bits again', () => {
    for (const build of allBuilds) {
      chooseNativeBuild(build);
      for (const shape of [[], [0], [1], [2], [3], [5], [7, 3], [100_003]]) {
        const values = randomValues(tf.util.sizeFromShape(shape), 3);
        const once = (): { shape: number[]; values: number[] } =>
          evaluate(() => {
            const x = tf.tensor(values, shape);
            const y = roundTo(x, precision);
            expect(x.dataSync()).toEqual(values);
            return y;
          });
        const first = once();
        expect(first.shape).toEqual(shape);
        expect(once()).toEqual(first);
        removeTrainingKernels();
        expect(once()).toEqual(first);
        installTrainingKernels();
      }
    }
  });

  it('works inside a gradient, straight-through', () => {
    const gradient = evaluate(() =>
      tf.grad((x: tf.Tensor) => tf.sum(tf.mul(roundTo(x, precision), 3)))(tf.tensor1d([0.1, -5, 7])),
    );
    expect(gradient.values).toEqual([3, 3, 3]);
  });
});
