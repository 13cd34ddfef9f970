/** The adapter on a device, and what it says where there is none. */
import { isApoError, selectBackend } from '@apo/core';
import type { ApoError } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeTrainingKernels, trainingKernelsInstalled, webgpuBackend } from './index.js';
import { backend, take, titleOf, whyNoWebgpu } from './testing/setup.js';

beforeEach(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => vi.unstubAllGlobals());

async function errorOf(promise: Promise<unknown>): Promise<ApoError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isApoError(error)) throw new Error(`expected an ApoError, got ${String(error)}`);
  return error;
}

describe('where there is no device', () => {
  test('a page without WebGPU', async () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('navigator', {});
    const { available, reason, remedy } = await webgpuBackend().probe();
    expect(available).toBe(false);
    expect(reason).toBe('This page has no navigator.gpu.');
    expect(remedy).toMatch(/^Open it over HTTPS or from localhost.*@apo\/backend-wasm\.$/);
  });

  test('a page whose browser gives no adapter', async () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve(null) } });
    const { reason, remedy } = await webgpuBackend().probe();
    expect(reason).toBe('navigator.gpu finds no graphics adapter.');
    expect(remedy).toMatch(/hardware acceleration.*--enable-unsafe-webgpu/);
  });

  test('a machine whose drivers fail, with their words; the backend stays what it was', async () => {
    vi.stubGlobal('navigator', {
      gpu: { requestAdapter: () => Promise.reject(new Error('no driver.\nmore')) },
    });
    const { reason } = await webgpuBackend().probe();
    expect(reason).toBe('navigator.gpu gives no graphics adapter: no driver.');
    const error = await errorOf(webgpuBackend().activate());
    expect(error.code).toBe('BACKEND_UNAVAILABLE');
    expect(error.message).toMatch(/^navigator.gpu gives no graphics adapter: no driver\. \S/);
    expect((error.cause as Error).message).toBe('no driver.\nmore');
    expect(tf.getBackend()).toBe('cpu');
  });

  test('an adapter that opens no device', async () => {
    const adapter = {
      limits: {},
      features: new Set(),
      requestDevice: () => Promise.reject(new Error('limit not supported')),
    };
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve(adapter) } });
    const error = await errorOf(webgpuBackend().activate());
    expect(error.message).toMatch(/^navigator.gpu gives no usable device: limit not supported\. \S/);
    expect(tf.getBackend()).toBe('cpu');
  });

  test('a power preference that does not exist', () => {
    const powerPreference = 'most' as 'low-power';
    expect(() => webgpuBackend({ powerPreference })).toThrow(/"most"; expected 'high-performance'/);
  });
});

const missing = await whyNoWebgpu();

describe.skipIf(missing !== undefined)(`on a device${titleOf(missing)}`, () => {
  afterEach(() => {
    if ('webgpu' in tf.engine().registryFactory) tf.removeBackend('webgpu');
  });

  test('probe tells what it found and changes nothing', async () => {
    const globals = Object.getOwnPropertyNames(globalThis);
    const { available, details } = await webgpuBackend().probe();
    expect(available).toBe(true);
    expect(details!['implementation']).toMatch(/^Dawn \(webgpu \d+\.\d+\.\d+\)$/);
    expect(details!['vendor']).toMatch(/./);
    // What every implementation of WebGPU must have.
    expect(details!['maxStorageBuffersPerShaderStage']).toBeGreaterThanOrEqual(8);
    expect(details!['maxBufferSize']).toBeGreaterThanOrEqual(256 * 2 ** 20);
    expect(Object.getOwnPropertyNames(globalThis)).toEqual(globals);
    expect(tf.getBackend()).toBe('cpu');
  });

  test('becomes the current backend with the limits of the adapter, and computes', async () => {
    const tensors = tf.memory().numTensors;
    const info = await selectBackend([webgpuBackend()]);
    expect(info).toMatchObject({ name: 'webgpu', tfBackend: 'webgpu' });
    expect(tf.getBackend()).toBe('webgpu');
    expect(trainingKernelsInstalled()).toBe(true);
    const { details } = await webgpuBackend().probe();
    expect(info.details).toEqual(details);
    const { limits } = backend().device;
    expect(limits.maxStorageBufferBindingSize).toBe(details!['maxStorageBufferBindingSize']);
    // [1 2] · [3 4]ᵀ = 11
    const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]));
    expect(Array.from(await take(product))).toEqual([11]);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(await webgpuBackend().activate()).toEqual(info);
  });

  test('opens one device when two ask for it at once', async () => {
    const [first, second] = await Promise.all([webgpuBackend().activate(), webgpuBackend().activate()]);
    expect(second).toBe(first);
    expect((await take(tf.tidy(() => tf.add(tf.ones([2000]), 1))))[1999]).toBe(2);
  });

  test('gives everything back when it is removed, and starts again', async () => {
    const globals = Object.getOwnPropertyNames(globalThis);
    await webgpuBackend().activate();
    const first = backend().device;
    const survivor = tf.tidy(() => tf.add(tf.ones([2000]), 1));
    tf.removeBackend('webgpu');
    expect((await first.lost).reason).toBe('destroyed');
    expect(Object.getOwnPropertyNames(globalThis)).toEqual(globals);
    survivor.dispose();
    await webgpuBackend().activate();
    expect(backend().device).not.toBe(first);
    expect((await take(tf.tidy(() => tf.add(tf.ones([2000]), 1))))[1999]).toBe(2);
  });

  test('reads a tensor that is disposed meanwhile, and forgets it then', async () => {
    await webgpuBackend().activate();
    const before = [tf.memory().numDataBuffers, backend().numDataIds()];
    const x = tf.tidy(() => tf.add(tf.ones([2000]), 1));
    const reading = x.data();
    x.dispose();
    expect((await reading)[1999]).toBe(2);
    await take(tf.tidy(() => tf.add(tf.ones([2000]), 1)));
    expect([tf.memory().numDataBuffers, backend().numDataIds()]).toEqual(before);
  });

  test('says that the device is lost, to the callback and to whoever computes, and can be activated afresh', async () => {
    const seen: ApoError[] = [];
    await webgpuBackend({ onLost: (error) => seen.push(error) }).activate();
    const x = tf.tidy(() => tf.add(tf.ones([2000]), 1));
    const reading = x.data();
    backend().device.destroy();
    const error = await errorOf(reading);
    expect(error.code).toBe('BACKEND_UNAVAILABLE');
    expect(error.message).toMatch(/^The GPU device was lost \(destroyed.*restore the last checkpoint\.$/);
    expect(seen).toEqual([error]);
    expect(() => tf.add(x, 1)).toThrow(error.message);
    expect(await errorOf(x.data())).toBe(error);
    x.dispose();
    await webgpuBackend().activate();
    expect((await take(tf.tidy(() => tf.add(tf.ones([2000]), 1))))[0]).toBe(2);
  });

  test('throws at the next reading what WebGPU reported meanwhile, once', async () => {
    await webgpuBackend().activate();
    const x = tf.tidy(() => tf.add(tf.ones([2000]), 1));
    // An invalid command: a shader that does not compile.
    const { device } = backend();
    const module = device.createShaderModule({ code: 'fn broken(' });
    device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    const error = await errorOf(x.data());
    expect(error.message).toMatch(/^WebGPU refused a command/);
    expect((await take(x))[0]).toBe(2);
  });

  test('refuses a backend that something else has started', async () => {
    await webgpuBackend().activate();
    tf.removeBackend('webgpu');
    removeTrainingKernels();
    tf.registerBackend(
      'webgpu',
      () => Object.create(tf.findBackend('cpu')) as ReturnType<typeof tf.findBackend>,
    );
    expect(await tf.setBackend('webgpu')).toBe(true);
    const error = await errorOf(webgpuBackend().activate());
    expect(error.message).toMatch(/already runs on a device that this package did not open/);
    await tf.setBackend('cpu');
    Reflect.deleteProperty(tf.engine().registry, 'webgpu');
  });
});
