/** AddN of more tensors than a shader has buffers, and UnsortedSegmentSum in a fixed order, against sums in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from '../index.js';
import {
  backend,
  expectClose,
  randomTensor,
  randomValues,
  take,
  titleOf,
  whyNoWebgpu,
} from '../testing/setup.js';

const missing = await whyNoWebgpu();

describe.skipIf(missing !== undefined)(`sums${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });
  afterEach(() => installTrainingKernels());

  /** The sum of `count` tensors, and what it should be. */
  async function sumOf(count: number): Promise<[Float32Array, Float64Array]> {
    const size = 1500;
    const expected = new Float64Array(size);
    for (let i = 0; i < count; i++) randomValues(size, i).forEach((value, j) => (expected[j]! += value));
    const before = [tf.memory().numTensors, backend().numDataIds()];
    const values = await take(
      tf.tidy(() => tf.addN(Array.from({ length: count }, (_, i) => randomTensor([30, 50], i)))),
    );
    expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
    return [values, expected];
  }

  test('of as many tensors as there are, also beyond the buffers of a shader', async () => {
    const limit = backend().device.limits.maxStorageBuffersPerShaderStage;
    for (const count of [1, 2, limit - 1, limit, limit + 1, 3 * limit, limit * limit]) {
      const [values, expected] = await sumOf(count);
      expectClose(values, expected, 1e-5);
    }
  });

  test('the stock kernel fails there', async () => {
    removeTrainingKernels();
    await expect(sumOf(backend().device.limits.maxStorageBuffersPerShaderStage)).rejects.toThrow(
      /^WebGPU refused a command/,
    );
  });

  /** Sums of rows by segment, with negative numbers, which belong to none, and `beyond` that are too large, which belong to none in our kernel. */
  async function segments(
    rows: number,
    columns: number,
    count: number,
    beyond = 0,
  ): Promise<[Float32Array, Float64Array]> {
    const random = createRandom(7);
    const ids = Int32Array.from({ length: rows }, () => random.integer(count + 1 + beyond) - 1);
    const x = randomValues(rows * columns, 8);
    const expected = new Float64Array(count * columns);
    ids.forEach((id, row) => {
      if (id < 0 || id >= count) return;
      for (let j = 0; j < columns; j++) expected[id * columns + j]! += x[row * columns + j]!;
    });
    const before = [tf.memory().numTensors, backend().numDataIds()];
    const values = await take(
      tf.tidy(() => tf.unsortedSegmentSum(tf.tensor2d(x, [rows, columns]), tf.tensor1d(ids, 'int32'), count)),
    );
    expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
    return [values, expected];
  }

  test('by segment: right, zero where there is no row, the same bits every time', async () => {
    for (const [rows, columns, count] of [
      [1, 1, 1],
      [300, 3, 7],
      [40, 33, 200],
    ] as const) {
      const [values, expected] = await segments(rows, columns, count, 1);
      expectClose(values, expected, 1e-5);
      expect((await segments(rows, columns, count, 1))[0]).toEqual(values);
    }
  });

  test('by segment with the stock kernel: many rows, and when the order may vary', async () => {
    const [values, expected] = await segments(8193, 1, 4);
    expectClose(values, expected, 1e-4);
    installTrainingKernels({ deterministic: false });
    const [unordered, sums] = await segments(300, 3, 7);
    expectClose(unordered, sums, 1e-5);
  });
});
