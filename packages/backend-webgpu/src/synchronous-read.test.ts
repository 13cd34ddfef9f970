/** dataSync() in Node, where TensorFlow.js has none for WebGPU. */
import { isApoError } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from './index.js';
import { DawnPoll } from './synchronous-read.js';
import { backend, counted, randomTensor, titleOf, whyNoWebgpu } from './testing/setup.js';

const missing = await whyNoWebgpu();

describe.skipIf(missing !== undefined)(`reading on the calling thread${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  test('gives the values of every type, and those that data() gives', async () => {
    // On the GPU, since they come out of kernels: 2·(−0.5), 2·3; 7 mod 4; 3 > 2.
    const tensors = [
      tf.mul(tf.tensor1d([-0.5, 3]), 2),
      tf.mod(tf.tensor1d([7], 'int32'), tf.scalar(4, 'int32')),
      tf.greater(tf.tensor1d([3, 1]), 2),
    ];
    expect(tensors[0]!.dataSync()).toEqual(new Float32Array([-1, 6]));
    expect(tensors[1]!.dataSync()).toEqual(new Int32Array([3]));
    expect(tensors[2]!.dataSync()).toEqual(new Uint8Array([1, 0]));
    const both = tf.tidy(() => [randomTensor([300, 400], 1), randomTensor([300, 400], 1)].map(tf.exp));
    expect(both[0]!.dataSync()).toEqual(await both[1]!.data());
    const complex = tf.complex(tf.mul(tf.tensor1d([1]), 2), tf.mul(tf.tensor1d([1]), 3));
    expect(complex.dataSync()).toEqual(new Float32Array([2, 3]));
    tf.dispose([...tensors, ...both, complex]);
  });

  test('while other reads wait, which go on; the buffers are used again and setImmediate is back', async () => {
    const { setImmediate: before } = globalThis;
    const warmUp = tf.tidy(() => tf.add(randomTensor([64, 64], 1), 1));
    warmUp.dataSync();
    warmUp.dispose();
    const buffers = backend() as unknown as { bufferManager: { numUsedBuffers: number } };
    const used = buffers.bufferManager.numUsedBuffers;
    const numTensors = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) {
      const a = tf.tidy(() => tf.add(randomTensor([64, 64], i), 1));
      const b = tf.tidy(() => tf.add(randomTensor([64, 64], i), 2));
      const later = b.data<'float32'>();
      const now = a.dataSync<'float32'>();
      const waited = await later;
      now.forEach((value, k) => expect(waited[k]! - value).toBeCloseTo(1, 5));
      tf.dispose([a, b]);
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(buffers.bufferManager.numUsedBuffers).toBe(used);
    expect(globalThis.setImmediate).toBe(before);
  });

  test('is one mapping', async () => {
    const tensor = tf.tidy(() => tf.exp(randomTensor([64, 64], 1)));
    expect((await counted(() => void tensor.dataSync())).maps).toBe(1);
    // The values are kept, as data() keeps them.
    expect((await counted(() => void tensor.dataSync())).maps).toBe(0);
    tensor.dispose();
  });

  test('of a Dawn that hands over nothing is refused, with the way out', () => {
    const state = { mapState: 'pending', mapAsync: () => Promise.resolve(), unmap: () => undefined };
    let error: unknown;
    try {
      new DawnPoll().read(state as unknown as GPUBuffer);
    } catch (thrown) {
      error = thrown;
    }
    expect(isApoError(error) && error.code).toBe('UNSUPPORTED');
    expect((error as Error).message).toContain('read with data()');
  });

  test('of a buffer that is not mapped in the end is an error', () => {
    const state = {
      mapState: 'unmapped',
      mapAsync: () => {
        setImmediate(() => undefined);
        return Promise.reject(new Error('lost'));
      },
      unmap: () => undefined,
    };
    expect(() => new DawnPoll().read(state as unknown as GPUBuffer)).toThrow(/did not map the buffer/);
  });

  // Last: it ends the device.
  test('of a lost device is the error of the loss', async () => {
    const tensor = tf.add(randomTensor([8], 1), 1);
    backend().device.destroy();
    await backend().device.lost;
    await Promise.resolve();
    expect(() => tensor.dataSync()).toThrow(/The GPU device was lost/);
  });
});
