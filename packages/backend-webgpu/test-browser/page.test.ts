/** A page without isolation: WebGPU trains as WASM does on its one thread. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { webgpuBackend } from '../src/index.js';
import { curveOn } from './curves.js';

it('has the losses and the learning rate of WASM over twenty steps of Apo', async () => {
  const own = await curveOn('webgpu', 1);
  expect(own.info.name).toBe('webgpu');
  expect(own.info.details).toMatchObject({ implementation: 'navigator.gpu' });
  const expected = await curveOn('wasm', 1);
  expect(expected.info.threads).toBe(1);
  // Roundings of 2⁻²⁴ that grow with the steps.
  own.losses.forEach((loss, i) => expect(Math.abs(loss - expected.losses[i]!)).toBeLessThan(2e-3));
  expect(Math.abs(own.rate / expected.rate - 1)).toBeLessThan(1e-2);
  // It was adapted, and something was learned from the four batches.
  expect(own.rate).not.toBe(1e-3);
  expect(own.losses.at(-1)).toBeLessThan(own.losses[3]!);
  expect([own.leaked, expected.leaked]).toEqual([0, 0]);
});

it('gives the same bits twice', async () => {
  const first = await curveOn('webgpu', 1);
  expect((await curveOn('webgpu', 1)).losses).toEqual(first.losses);
});

it('reads values on the calling thread, too', async () => {
  await webgpuBackend().activate();
  const tensor = tf.tidy(() => tf.mul(tf.fill([300], 1.5), 2));
  expect(tensor.dataSync()).toEqual(new Float32Array(300).fill(3));
  tensor.dispose();
});
