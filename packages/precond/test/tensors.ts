/** Seeded tensors, readings, and φ away from its start, for tests. */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';
import type { TensorMap } from '@apo/core';
import { expect } from 'vitest';
import { matrix } from './reference.js';

/** Standard normal values; the caller disposes the tensor. */
export function normalTensor(shape: readonly number[], seed: number): tf.Tensor {
  const random = createRandom(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    [...shape],
  );
}

export function values(tensor: tf.Tensor): number[] {
  return Array.from(tensor.dataSync());
}

export function toRows(tensor: tf.Tensor): number[][] {
  const [m, n] = tensor.shape as [number, number];
  const data = values(tensor);
  return matrix(m, n, (i, j) => data[i * n + j]!);
}

/** Every entry plus normal noise, so that no gradient vanishes by accident; the given tensors stay the caller's. */
export function disturbed(phi: TensorMap, deviation = 0.3, seed = 5): TensorMap {
  return Object.fromEntries(
    Object.entries(phi).map(([name, value], i) => [
      name,
      tf.tidy(() => tf.add(value, tf.mul(normalTensor(value.shape, seed + i), deviation))),
    ]),
  );
}

/** Each number within `relative` of the largest expected one. */
export function expectClose(actual: readonly number[], expected: readonly number[], relative: number): void {
  expect(actual).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs), 1e-30);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!) / scale));
  expect(worst).toBeLessThanOrEqual(relative);
}

/** The number of tensors that `body` leaves behind. */
export async function leaked(body: () => void | Promise<void>): Promise<number> {
  const before = tf.memory().numTensors;
  await body();
  return tf.memory().numTensors - before;
}

let instances = 0;

/** The beginning of a variable's name that no other test uses; variables of one layer share it. */
export function freshPrefix(): string {
  return `test${instances++}/`;
}

/** A variable with standard normal values; the caller disposes it. */
export function testVariable(shape: readonly number[], name: string, seed: number): tf.Variable {
  return tf.tidy(() => tf.variable(normalTensor(shape, seed), true, name));
}
