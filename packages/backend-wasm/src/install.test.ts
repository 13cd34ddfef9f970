/** Installing twice, taking out again, and the ways in: adapter, side-effect import and before the backend starts. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  installTrainingKernels,
  removeTrainingKernels,
  stockKernel,
  trainingKernels,
  trainingKernelsInstalled,
  wasmBackend,
} from './index.js';
import { memoryOf } from './native/module.js';
import { defaultThreads } from './threads/host.js';

const missing = [
  'ApoAdam',
  'ApoBatchNormSums',
  'ApoReluGrad',
  'ApoSigmoidGrad',
  'ApoSoftmaxGrad',
  'ApoTanhGrad',
  'ApoInnerProduct',
  'ApoLowRankGradient',
  'ApoLowRankUpdate',
  'ApoMomentum',
  'ApoRmsprop',
  'ApoRound',
  'ApoScaledSubtract',
  'ApoSelect',
  'ApoWeightPull',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'Einsum',
  'UnsortedSegmentSum',
];

/** The registry, by name. */
function registered(): Map<string, tf.KernelConfig> {
  return new Map(tf.getKernelsForBackend('wasm').map((kernel) => [kernel.kernelName, kernel]));
}

let stock: Map<string, tf.KernelConfig>;

beforeAll(async () => {
  // The suite may run on this very engine, with the kernels in place.
  removeTrainingKernels();
  stock = registered();
  // Before the backend starts: the stock set-up functions must still run when it does.
  installTrainingKernels();
  await tf.setBackend('wasm');
  await tf.ready();
});

afterEach(() => installTrainingKernels());

it('starts the backend with the kernels in place', () => {
  expect(trainingKernelsInstalled()).toBe(true);
  expect(Array.from(tf.matMul([[1, 2]], [[3], [4]]).dataSync())).toEqual([11]);
});

it('registers one kernel per entry of the list and leaves the others', () => {
  const now = registered();
  for (const { kernelName, kernelFunc } of trainingKernels) {
    expect(now.get(kernelName)?.kernelFunc).toBe(kernelFunc);
  }
  const ours = new Set(trainingKernels.map((kernel) => kernel.kernelName));
  expect(ours.size).toBe(trainingKernels.length);
  for (const [name, kernel] of stock) if (!ours.has(name)) expect(now.get(name)).toBe(kernel);
  expect([...now.keys()].filter((name) => !stock.has(name)).sort()).toEqual([...missing].sort());
});

it('changes nothing and warns of nothing the second time', () => {
  const warn = vi.spyOn(console, 'warn');
  const before = registered();
  installTrainingKernels();
  expect(registered()).toEqual(before);
  for (const { kernelName } of trainingKernels) {
    expect(stockKernel(kernelName)).toBe(stock.get(kernelName));
  }
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

it('puts the stock kernels and gradients back, and ours again', () => {
  const warn = vi.spyOn(console, 'warn');
  const gradient = tf.getGradient('Sum');
  removeTrainingKernels();
  removeTrainingKernels();
  expect(trainingKernelsInstalled()).toBe(false);
  expect(registered()).toEqual(stock);
  expect(tf.getGradient('Sum')).not.toBe(gradient);
  for (const name of missing) expect(stockKernel(name)).toBeUndefined();
  const x = tf.tensor1d([1, 2]);
  expect(tf.clone(x).dataId).not.toBe(x.dataId);
  installTrainingKernels();
  expect(tf.getGradient('Sum')).toBe(gradient);
  expect(tf.clone(x).dataId).toBe(x.dataId);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

it('keeps tensors made before', () => {
  removeTrainingKernels();
  const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const copy = tf.clone(x);
  installTrainingKernels();
  expect(Array.from(tf.add(x, copy).dataSync())).toEqual([2, 4, 6, 8]);
  copy.dispose();
  expect(Array.from(x.dataSync())).toEqual([1, 2, 3, 4]);
});

it('is installed by the side-effect import', async () => {
  removeTrainingKernels();
  await import('./register.js');
  expect(trainingKernelsInstalled()).toBe(true);
});

it('shows that the stock kernels are wrong where the README says so', () => {
  const gradient = (): number[] =>
    Array.from(
      tf
        .grad((x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))(
          tf.tensor4d([-4, -3, -2, -1], [1, 2, 2, 1]),
          tf.tensor4d([1], [1, 1, 1, 1]),
        )
        .dataSync(),
    );
  expect(gradient()).toEqual([0, 0, 0, 1]);
  removeTrainingKernels();
  expect(gradient()).not.toEqual([0, 0, 0, 1]);
});

it('the adapter probes without changing the backend and activates it', async () => {
  const adapter = wasmBackend();
  expect(adapter.name).toBe('wasm');
  const before = tf.getBackend();
  const availability = await adapter.probe();
  expect(tf.getBackend()).toBe(before);
  expect(availability).toMatchObject({ available: true, details: { version: '4.22.0', simd: true } });
  const tensors = tf.memory().numTensors;
  const single = { singleThread: expect.stringMatching(/was running already/) as string };
  // TensorFlow.js started it by itself here, and gives it a shared memory in a cross-origin-isolated page only.
  const shared = !(memoryOf(tf.backend() as unknown as BackendWasm).buffer instanceof ArrayBuffer);
  expect(await adapter.activate()).toEqual({
    name: 'wasm',
    tfBackend: 'wasm',
    threads: shared ? defaultThreads() : 1,
    details: {
      ...(shared || defaultThreads() === 1 ? {} : single),
      version: '4.22.0',
      simd: true,
      trainingKernels: trainingKernels.length,
      build: expect.stringMatching(/^(relaxed|simd)$/) as string,
    },
  });
  expect(tf.memory().numTensors).toBe(tensors);
});

it('the adapter says why, where there is no WebAssembly', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  const availability = await wasmBackend().probe();
  vi.unstubAllGlobals();
  expect(availability.available).toBe(false);
  expect(availability.reason).toMatch(/WebAssembly/);
});

it('the adapter refuses an empty path', () => {
  expect(() => wasmBackend({ wasmPaths: '' })).toThrow(/wasmPaths/);
});

it('without the module leaves the fused updates to plain operators, and offers them again with it', async () => {
  const offered = (): boolean => registered().has('ApoAdam');
  await wasmBackend({ simd: 'off' }).activate();
  expect(offered()).toBe(false);
  removeTrainingKernels();
  installTrainingKernels();
  await wasmBackend({ simd: 'off' }).activate();
  await wasmBackend({ simd: 'simd' }).activate();
  expect(offered()).toBe(true);
  await wasmBackend({ simd: 'auto' }).activate();
});
