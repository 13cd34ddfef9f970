/** An activation that fails leaves TensorFlow.js as it was. In a file of its own: tfjs-wasm takes no paths after one that failed. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { beforeEach, expect, it, vi } from 'vitest';
import { removeTrainingKernels, stockKernel, trainingKernelsInstalled, wasmBackend } from './index.js';
import { chosenNativeBuild } from './native/module.js';

/** The suite may run on this very engine: each test begins without it. */
const factory = tf.findBackendFactory('wasm');

beforeEach(async () => {
  await tf.setBackend('cpu');
  removeTrainingKernels();
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
});

const adds = (): boolean => tf.tidy(() => tf.add(1, 2).dataSync()[0] === 3);

it('after the backend has started: the backend before it is active again, and the choice of the build stands', async () => {
  await wasmBackend({ simd: 'off', threads: 1 }).activate();
  const module = (tf.backend() as unknown as BackendWasm).wasm as unknown as { asm: object };
  Object.defineProperty(module, 'asm', { value: { ...module.asm, memory: undefined } });
  await tf.setBackend('cpu');
  const tensors = tf.memory().numTensors;
  await expect(wasmBackend({ simd: 'simd', threads: 1 }).activate()).rejects.toMatchObject({
    name: 'ApoError',
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringMatching(/does not show its memory/) as string,
  });
  expect(tf.getBackend()).toBe('cpu');
  expect(adds()).toBe(true);
  expect(chosenNativeBuild()).toBe('off');
  // They were there before.
  expect(trainingKernelsInstalled()).toBe(true);
  expect(tf.memory().numTensors).toBe(tensors);
});

it('before the backend has started: so it is, and the stock kernels are back', async () => {
  // TensorFlow.js and its module say what they tried.
  const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
  const error = vi.spyOn(console, 'error').mockReturnValue(undefined);
  const choice = chosenNativeBuild();
  const stock = stockKernel('AvgPoolGrad');
  await expect(
    wasmBackend({ wasmPaths: '/nowhere/', threads: 1, simd: 'simd' }).activate(),
  ).rejects.toMatchObject({ name: 'ApoError', code: 'BACKEND_UNAVAILABLE' });
  warn.mockRestore();
  error.mockRestore();
  expect(tf.getBackend()).toBe('cpu');
  expect(adds()).toBe(true);
  expect(chosenNativeBuild()).toBe(choice);
  expect(trainingKernelsInstalled()).toBe(false);
  expect(tf.getKernel('AvgPoolGrad', 'wasm')).toBe(stock);
});
