/** The choice of a build: what each name gives, what is refused, and working space that is reused and given back. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { wasmBackend } from '../adapter.js';
import { startWasm } from '../testing/setup.js';
import { chooseNativeBuild, nativeBuild, nativeFunctions } from './module.js';
import type { SimdChoice } from './module.js';
import { releaseScratch, scratch } from './scratch.js';

beforeAll(startWasm);
afterEach(() => chooseNativeBuild('auto'));

const backend = (): BackendWasm => tf.backend() as unknown as BackendWasm;

it('the plain build rounds a product before it is added, and off has no functions', () => {
  chooseNativeBuild('simd');
  expect(nativeBuild(backend())).toBe('simd');
  expect(nativeFunctions(backend())!.roundsOnce(2 ** -12)).toBe(0);
  chooseNativeBuild('off');
  expect(nativeBuild(backend())).toBe('off');
  expect(nativeFunctions(backend())).toBeUndefined();
});

it('auto takes the relaxed build only where it rounds once', () => {
  chooseNativeBuild('relaxed');
  const fused = nativeFunctions(backend())!.roundsOnce(2 ** -12) === 1;
  chooseNativeBuild('auto');
  expect(nativeBuild(backend())).toBe(fused ? 'relaxed' : 'simd');
});

it('refuses a build that the engine does not compile, and keeps the choice', () => {
  chooseNativeBuild('simd');
  const validate = vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  expect(() => chooseNativeBuild('relaxed')).toThrow(/relaxed.*auto/);
  validate.mockRestore();
  expect(nativeBuild(backend())).toBe('simd');
});

it('the adapter refuses another name and says which build runs', async () => {
  expect(() => wasmBackend({ simd: 'avx' as SimdChoice })).toThrow(/"avx".*relaxed/);
  const { details } = await wasmBackend({ simd: 'simd' }).activate();
  expect(details?.build).toBe('simd');
});

it('working space is aligned, kept while it suffices, and grows', () => {
  const small = scratch(backend(), 'test', 1_000);
  expect(small % 64).toBe(0);
  expect(scratch(backend(), 'test', 900)).toBe(small);
  expect(scratch(backend(), 'other', 900)).not.toBe(small);
  const large = scratch(backend(), 'test', 100_000);
  expect(scratch(backend(), 'test', 50_000)).toBe(large);
  releaseScratch();
});
