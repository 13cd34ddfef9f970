/**
 * The end of the WASM memory, 4 GiB: an error instead of values written over others, and a backend that goes on. Pages that are
 * never written to cost nothing, so the tests really go there. In a file of its own: a WASM memory never shrinks.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isApoError } from '@apo/core';
import { installTrainingKernels, removeTrainingKernels, wasmBackend } from './index.js';
import { memoryOf } from './native/module.js';
import { scratch } from './native/scratch.js';
import { threadCount } from './threads/parallel.js';

const GIB = 2 ** 30;
const factory = tf.findBackendFactory('wasm');
const current = (): BackendWasm => tf.backend() as unknown as BackendWasm;

beforeEach(() => {
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
});

afterEach(() => {
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
});

/** A tensor of so many bytes whose values nobody has written. */
function untouched(bytes: number): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(current().makeOutput([bytes / 4], 'float32'));
}

/** Fills the memory with tensors of a quarter of a GiB. */
function fill(): { tensors: tf.Tensor[]; error: unknown } {
  const tensors: tf.Tensor[] = [];
  // The seventeenth cannot fit; without an end, the test would not.
  while (tensors.length < 17) {
    try {
      tensors.push(untouched(GIB / 4));
    } catch (error) {
      return { tensors, error };
    }
  }
  return { tensors, error: undefined };
}

describe.each([1, 2])('on a backend started for %i thread(s)', (threads) => {
  it('a tensor that does not fit is refused, those that are there keep their values, and room that is made is used', async () => {
    await wasmBackend({ threads }).activate();
    const backend = current();
    const before = tf.memory();
    const first = tf.tensor1d([1, 2, 3]);
    const { tensors, error } = fill();
    // 15 quarters and what the module itself needs; 16 quarters are all of it.
    expect(tensors).toHaveLength(15);
    expect(isApoError(error) && error.code).toBe('OUT_OF_MEMORY');
    expect((error as Error).message).toMatch(
      /no room for 256\.0 MiB .* at most 4096\.0 MiB, and TensorFlow\.js holds 3840\.0 MiB in \d+ tensors.*smaller batch/,
    );
    // What was there is there, and small tensors still fit.
    expect([...first.dataSync()]).toEqual([1, 2, 3]);
    const doubled = tf.add(first, first);
    expect([...doubled.dataSync()]).toEqual([2, 4, 6]);
    const blocks = backend.numDataIds();
    expect(() => tf.fill([GIB / 16], 1)).toThrow(/no room for 256\.0 MiB/);
    expect(backend.numDataIds()).toBe(blocks);
    expect(() => scratch(backend, 'test', GIB)).toThrow(/no room for 1024\.0 MiB/);
    // Every address of the last ones is beyond 2 GiB.
    const last = tensors.pop()!;
    expect(backend.getMemoryOffset(last.dataId)).toBeGreaterThan(3 * GIB);
    last.dispose();
    const again = untouched(GIB / 4);
    tf.dispose([first, doubled, again, ...tensors]);
    expect(tf.memory()).toEqual(before);
    // A product on every thread, in a memory that has grown to its end.
    const [a, b] = [tf.ones([300, 300]), tf.ones([300, 300])];
    expect(threadCount(backend)).toBe(threads);
    const product = tf.matMul(a, b);
    expect(product.dataSync().every((value) => value === 300)).toBe(true);
    tf.dispose([a, b, product]);
    expect(memoryOf(backend).buffer.byteLength).toBeLessThanOrEqual(4 * GIB);
  });

  it('a size beyond 32 bits is refused, and not cut to the rest', async () => {
    await wasmBackend({ threads }).activate();
    const blocks = current().numDataIds();
    // 4 GiB and 16 bytes.
    expect(() => untouched(4 * GIB + 16)).toThrow(/no room for 4096\.0 MiB/);
    expect(current().numDataIds()).toBe(blocks);
  });
});

it('the check is there however the backend starts, and gone with the kernels', async () => {
  const attempt = (): unknown => {
    try {
      untouched(4 * GIB + 16).dispose();
      return undefined;
    } catch (error) {
      return error;
    }
  };
  installTrainingKernels();
  await tf.setBackend('wasm');
  expect(isApoError(attempt())).toBe(true);
  removeTrainingKernels();
  // Stock: 16 bytes are taken for 4 GiB and 16.
  expect(attempt()).toBeUndefined();
  installTrainingKernels();
  expect(isApoError(attempt())).toBe(true);
});
