/** What every test on the GPU starts with: the WebGPU backend, or a visible skip with the reason; seeded values and counters. Not published. */
import { createRandom } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, inject } from 'vitest';
import { webgpuBackend } from '../index.js';

/** Why nothing can run on WebGPU here; `undefined` where it can. */
export async function whyNoWebgpu(): Promise<string | undefined> {
  const noVulkan = inject('noVulkan');
  if (noVulkan !== '') return noVulkan;
  const { available, reason } = await webgpuBackend().probe();
  return available ? undefined : reason;
}

/** ' (skipped: …)' for the title of tests that cannot run, or ''. */
export function titleOf(reason: string | undefined): string {
  return reason === undefined ? '' : ` (not run: ${reason})`;
}

export function backend(): WebGPUBackend {
  return tf.backend() as unknown as WebGPUBackend;
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

/** The values of a tensor, which is disposed. */
export async function take(tensor: tf.Tensor): Promise<Float32Array> {
  const values = await tensor.data<'float32'>();
  tensor.dispose();
  return values;
}

/** How often `body` dispatches a shader, and how often it maps a buffer for reading, while everything is enqueued. */
export async function counted(
  body: () => void | Promise<void>,
): Promise<{ dispatches: number; maps: number }> {
  const counts = { dispatches: 0, maps: 0 };
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  const { mapAsync } = GPUBuffer.prototype;
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...args) {
    counts.dispatches++;
    dispatchWorkgroups.apply(this, args);
  };
  GPUBuffer.prototype.mapAsync = function (...args) {
    counts.maps++;
    return mapAsync.apply(this, args);
  };
  try {
    await body();
  } finally {
    Object.assign(GPUComputePassEncoder.prototype, { dispatchWorkgroups });
    Object.assign(GPUBuffer.prototype, { mapAsync });
  }
  return counts;
}

/** Every value within `tolerance`·(1 + |expected|). */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (!(Math.abs(a - e) <= tolerance * (1 + Math.abs(e))))
      expect.fail(`element ${i} is ${a}; expected ${e} within ${tolerance}·(1 + |expected|)`);
  }
}
