/** The keep table on the adapter at hand: what its rows say of one another, and that the choice follows them. Times themselves are not asserted. */
import { hasEngineKernel } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  compareKernels,
  gpuTime,
  installTrainingKernels,
  keepFasterKernels,
  removeTrainingKernels,
  webgpuBackend,
} from '../index.js';
import type { KernelComparison } from '../index.js';
import { dropKernels } from '../install.js';
import { chooseProductPrograms, productProgram } from '../product-choice.js';
import { backend, randomTensor, titleOf, whyNoWebgpu } from '../testing/setup.js';

const missing = await whyNoWebgpu();

const row = (kernel: string, shape: string, ratio: number, difference = 1e-7): KernelComparison => ({
  kernel,
  shape,
  stock: ratio,
  own: 1,
  ratio,
  difference,
  kept: ratio > 1 && difference < 1e-3,
});

describe.skipIf(missing !== undefined)(`comparison of kernels${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });
  afterEach(() => {
    chooseProductPrograms(undefined);
    dropKernels(undefined);
    removeTrainingKernels();
    installTrainingKernels();
  });

  test('computes the same by both sides, and leaves kernels, programs and memory as they were', async () => {
    chooseProductPrograms({ few: 'tfjs', many: 'tiled' });
    const before = [tf.memory().numTensors, backend().numDataIds()];
    const kernels = (): unknown[] => [
      ...['ApoInnerProduct', 'ApoMomentum', tf.BatchMatMul].map((name) => tf.getKernel(name, 'webgpu')),
      tf.getGradient(tf.FusedBatchNorm),
      productProgram(backend(), 128),
      productProgram(backend(), 129),
    ];
    const registered = kernels();
    const table = await compareKernels({
      rounds: 1,
      only: /Momentum|BatchNorm/,
      scale: 'small',
    });
    expect(table.map(({ kernel }) => kernel)).toEqual(['ApoBatchNormGradient', 'ApoMomentum']);
    for (const { stock, own, ratio, difference, kept } of table) {
      expect(own).toBeGreaterThan(0);
      expect(ratio).toBe(stock / own);
      expect(difference).toBeLessThan(1e-5);
      expect(kept).toBe(ratio > 1);
    }
    expect(kernels()).toEqual(registered);
    expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
  });

  test('keeps what won: programs by the size of the result, kernels by their mean', () => {
    keepFasterKernels([
      row('matMul (tiled)', '[10, 128] × [128, 12]ᵀ', 3),
      row('matMul (subgroups)', '[10, 128] × [128, 12]ᵀ', 2),
      row('matMul (tiled)', '[64, 128] × [128, 128]', 0.9),
      row('matMul (subgroups)', '[64, 128] × [128, 128]', 4, 0.5),
      row('ApoAdam', 'first', 4),
      row('ApoAdam', 'second', 0.5),
      row('ApoMomentum', 'first', 2),
      row('ApoMomentum', 'second', 0.4),
      row('ApoRmsprop', 'first', 2, 0.1),
    ]);
    // The subgroups' result was another: it is not kept, however fast.
    expect(productProgram(backend(), 128)).toBe('tiled');
    expect(productProgram(backend(), 129)).toBe('tfjs');
    expect(
      ['ApoAdam', 'ApoMomentum', 'ApoRmsprop'].map((name) => hasEngineKernel(name as 'ApoAdam')),
    ).toEqual([true, false, false]);
  });

  test('is refused on other backends and for no rounds', async () => {
    await expect(compareKernels({ rounds: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(gpuTime(() => tf.ones([2]), { repeats: 0.5 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await tf.setBackend('cpu');
    await expect(compareKernels()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining("'cpu'") as string,
    });
    await webgpuBackend().activate();
  });

  test('times what it is given, and leaves nothing', async () => {
    const before = tf.memory().numTensors;
    let calls = 0;
    const given = randomTensor([64, 64], 1);
    const milliseconds = await gpuTime(
      () => {
        calls++;
        return tf.add(given, 1);
      },
      { repeats: 3 },
    );
    given.dispose();
    expect(milliseconds).toBeGreaterThan(0);
    // Once to compile.
    expect(calls).toBe(4);
    expect(tf.memory().numTensors).toBe(before);
  });
});
