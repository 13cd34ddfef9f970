import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { clipByGlobalNorm, clipByValue } from './clip.js';
import type { GradientClip } from './clip.js';

const refused = expect.objectContaining({ name: 'ApoError', code: 'INVALID_ARGUMENT' }) as Error;

/** Clips and reads; checks that exactly the results were added and that the inputs are still there. */
function clipped(clip: GradientClip, gradients: Record<string, number[]>): Record<string, number[]> {
  const before = tf.memory().numTensors;
  const given = Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, tf.tensor1d(g)]));
  const result = clip(given);
  expect(tf.memory().numTensors - before).toBe(2 * Object.keys(gradients).length);
  const values = Object.fromEntries(Object.entries(result).map(([name, g]) => [name, [...g.dataSync()]]));
  tf.dispose([Object.values(result), Object.values(given)]);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

describe('clipByValue', () => {
  it('moves elements into the interval and keeps the others', () => {
    expect(clipped(clipByValue(0.5), { w: [-2, -0.5, 0.25, 3], b: [0, 0.75] })).toEqual({
      w: [-0.5, -0.5, 0.25, 0.5],
      b: [0, 0.5],
    });
  });

  it('keeps NaN, so that a failure stays visible, and bounds the infinities', () => {
    expect(clipped(clipByValue(0.5), { w: [NaN, Infinity, -Infinity] })).toEqual({ w: [NaN, 0.5, -0.5] });
  });

  it('refuses a limit that is not positive', () => {
    expect(() => clipByValue(0)).toThrow(refused);
    expect(() => clipByValue(Infinity)).toThrow(refused);
  });
});

describe('clipByGlobalNorm', () => {
  it('scales all gradients by limit / norm', () => {
    // √(3² + 4² + 12²) = 13; 13 → 6.5 halves everything.
    const { w, b } = clipped(clipByGlobalNorm(6.5), { w: [3, -4], b: [12] });
    expect(w).toEqual([1.5, -2]);
    expect(b).toEqual([6]);
  });

  it('leaves gradients inside the ball as they are, to the bit', () => {
    const values = [0.1, -0.2, 0.3].map(Math.fround);
    expect(clipped(clipByGlobalNorm(1), { w: values })).toEqual({ w: values });
  });

  it('keeps zero gradients zero', () => {
    expect(clipped(clipByGlobalNorm(1), { w: [0, 0] })).toEqual({ w: [0, 0] });
  });

  it('lets NaN through, so that it is noticed', () => {
    expect(clipped(clipByGlobalNorm(1), { w: [NaN, 1], b: [1] })).toEqual({ w: [NaN, NaN], b: [NaN] });
  });

  it('gives nothing for nothing', () => {
    expect(clipped(clipByGlobalNorm(1), {})).toEqual({});
    expect(clipped(clipByValue(1), {})).toEqual({});
  });

  it('gives the same bits every time', () => {
    const gradients = { w: [0.3, -1.7, 2.9], b: [11.1] };
    expect(clipped(clipByGlobalNorm(1), gradients)).toEqual(clipped(clipByGlobalNorm(1), gradients));
  });

  it('refuses a limit that is not positive', () => {
    expect(() => clipByGlobalNorm(-1)).toThrow(refused);
    expect(() => clipByGlobalNorm(NaN)).toThrow(refused);
  });
});
