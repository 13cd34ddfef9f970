/** What every test of this package starts with: the WASM backend with the training kernels, seeded values and a leak check. Not published. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { expect } from 'vitest';
import { createRandom } from '@apo/core';
import { wasmBackend } from '../adapter.js';

export async function startWasm(): Promise<void> {
  await wasmBackend().activate();
}

/** `count` values, uniform in [−1, 1), rounded to float32; the same for the same seed. */
export function randomValues(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => 2 * random.next() - 1);
}

/** A tensor of such values. */
export function randomTensor(shape: readonly number[], seed: number): tf.Tensor {
  return tf.tensor(randomValues(tf.util.sizeFromShape([...shape]), seed), [...shape]);
}

/** Runs `compute`, returns the values of its result and disposes it; fails when a tensor or a block of WASM memory is left. */
export function evaluate(compute: () => tf.Tensor): { shape: number[]; values: number[] } {
  const backend = tf.backend() as unknown as BackendWasm;
  const tensors = tf.memory().numTensors;
  const blocks = backend.numDataIds();
  const output = tf.tidy(compute);
  const result = { shape: output.shape, values: Array.from(output.dataSync()) };
  output.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
  expect(backend.numDataIds()).toBe(blocks);
  return result;
}

/** Every value within `tolerance`·(1 + |expected|); NaN and infinities must agree exactly. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    const close = Number.isFinite(e) ? Math.abs(a - e) <= tolerance * (1 + Math.abs(e)) : Object.is(a, e);
    if (!close) expect.fail(`element ${i} is ${a}; expected ${e} within ${tolerance}·(1 + |expected|)`);
  }
}
