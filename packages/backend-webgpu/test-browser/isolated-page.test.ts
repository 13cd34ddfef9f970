/** A cross-origin-isolated page: WebGPU trains as WASM does on two threads. */
import { expect, it } from 'vitest';
import { curveOn } from './curves.js';

it('has the losses of WASM on two threads over twenty steps of Apo', async () => {
  expect(crossOriginIsolated).toBe(true);
  const expected = await curveOn('wasm', 2);
  expect(expected.info.threads).toBe(2);
  const own = await curveOn('webgpu', 1);
  expect(own.info.name).toBe('webgpu');
  own.losses.forEach((loss, i) => expect(Math.abs(loss - expected.losses[i]!)).toBeLessThan(2e-3));
  expect([own.leaked, expected.leaked]).toEqual([0, 0]);
});
