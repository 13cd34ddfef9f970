/** Training with threads: the same bits every time for a number of threads, the same weights for all but for rounding, no leaks. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, expect, it } from 'vitest';
import { wasmBackend } from '../adapter.js';
import { memoryOf } from '../native/module.js';
import { expectClose, randomTensor } from '../testing/setup.js';

const factory = tf.findBackendFactory('wasm');

afterEach(() => {
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
});

/** A step on layers whose products are large enough to be split. */
function createTraining(): { step: () => number; weights: () => number[]; dispose: () => void } {
  const sizes = [256, 300, 200, 10];
  const layers = sizes.slice(1).map((outputs, i) => {
    const kernel = tf.tidy(() => tf.variable<tf.Rank.R2>(tf.mul(randomTensor([sizes[i]!, outputs], i), 0.1)));
    return { kernel, bias: tf.variable(tf.zeros([outputs])) };
  });
  const x = randomTensor([128, 256], 10) as tf.Tensor2D;
  const y = randomTensor([128, 10], 11);
  const optimizer = tf.train.momentum(0.05, 0.9);
  return {
    step: () => {
      const loss = optimizer.minimize(() => {
        let h: tf.Tensor2D = x;
        for (const [i, { kernel, bias }] of layers.entries()) {
          h = tf.add(tf.matMul(h, kernel), bias);
          if (i < layers.length - 1) h = tf.tanh(h);
        }
        return tf.mean<tf.Scalar>(tf.squaredDifference(h, y));
      }, true)!;
      const value = loss.dataSync()[0]!;
      loss.dispose();
      return value;
    },
    weights: () => layers.flatMap(({ kernel, bias }) => [...kernel.dataSync(), ...bias.dataSync()]),
    dispose: () => {
      tf.dispose([x, y, ...layers.flatMap(({ kernel, bias }) => [kernel, bias])]);
      optimizer.dispose();
    },
  };
}

function trainFor(steps: number): { losses: number[]; weights: number[] } {
  const { step, weights, dispose } = createTraining();
  const losses = Array.from({ length: steps }, step);
  const result = { losses, weights: weights() };
  dispose();
  return result;
}

it('gives the same bits every time, and for all numbers of threads the same weights but for rounding', async () => {
  const runs = [];
  for (const threads of [1, 2, 3]) {
    expect((await wasmBackend({ threads: 3 }).activate()).threads).toBe(3);
    expect((await wasmBackend({ threads }).activate()).threads).toBe(threads);
    const first = trainFor(10);
    expect(trainFor(10)).toEqual(first);
    expect(first.losses[9]).toBeLessThan(first.losses[0]!);
    runs.push(first);
  }
  // Ten steps of 1e−7 relative each, through products of up to 300 terms.
  for (const run of runs.slice(1)) expectClose(run.weights, runs[0]!.weights, 1e-5);
});

it('keeps no tensor, no block and no more memory over 100 steps', async () => {
  await wasmBackend({ threads: 2 }).activate();
  const backend = tf.backend() as unknown as BackendWasm;
  const { step, dispose } = createTraining();
  step();
  const [tensors, blocks] = [tf.memory().numTensors, backend.numDataIds()];
  for (let i = 0; i < 10; i++) step();
  const bytes = memoryOf(backend).buffer.byteLength;
  for (let i = 0; i < 100; i++) step();
  expect(tf.memory().numTensors).toBe(tensors);
  expect(backend.numDataIds()).toBe(blocks);
  expect(memoryOf(backend).buffer.byteLength).toBe(bytes);
  dispose();
});
