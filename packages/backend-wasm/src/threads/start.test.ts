import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BackendInfo } from '@apo/core';
import { wasmBackend } from '../adapter.js';
import { memoryOf } from '../native/module.js';
import { expectClose } from '../testing/setup.js';
import { threadCount } from './parallel.js';
import { withSharedMemory } from './shared-memory.js';

const factory = tf.findBackendFactory('wasm');
const stockFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
const SIMD = 'tfjs-backend-wasm-simd.wasm';
const folders: string[] = [];

/** Every test starts the backend anew; removing it also takes it out of the registry. */
afterEach(() => {
  vi.unstubAllGlobals();
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function current(): BackendWasm {
  return tf.backend() as unknown as BackendWasm;
}

function isShared(): boolean {
  return memoryOf(current()).buffer instanceof SharedArrayBuffer;
}

/** [1 2; 3 4]·[5 6; 7 8] = [19 22; 43 50], so the backend works. */
function expectWorking(): void {
  const product = tf.tidy(() =>
    tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])),
  );
  expect([...product.dataSync()]).toEqual([19, 22, 43, 50]);
  product.dispose();
}

/** A folder of tfjs-wasm's files, with another SIMD binary. */
function folderWith(simd: (original: Uint8Array) => Uint8Array | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'apo-threads-'));
  folders.push(folder);
  for (const file of ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-threaded-simd.wasm']) {
    copyFileSync(join(stockFolder, file), join(folder, file));
  }
  const binary = simd(new Uint8Array(readFileSync(join(stockFolder, SIMD))));
  if (binary !== undefined) writeFileSync(join(folder, SIMD), binary);
  return `${folder}${sep}`;
}

/** The same module with a memory that has no maximum: three bytes and a flag less in the section of the memory. */
function withoutMaximum(binary: Uint8Array): Uint8Array {
  const shared = withSharedMemory(binary)!;
  const flags = shared.findIndex((byte, i) => byte !== binary[i]);
  // Section 5, its size 7, one memory, flags 1, minimum 256 in two bytes, maximum 65,536 in three.
  expect([...binary.slice(flags - 3, flags + 6)]).toEqual([5, 7, 1, 1, 0x80, 0x02, 0x80, 0x80, 0x04]);
  return new Uint8Array([...binary.slice(0, flags - 2), 4, 1, 0, 0x80, 0x02, ...binary.slice(flags + 6)]);
}

describe('the option threads', () => {
  it('starts the backend on a shared memory with so many threads', async () => {
    const info = await wasmBackend({ threads: 3 }).activate();
    expect(info.threads).toBe(3);
    expect(info.warning).toBeUndefined();
    expect(info.details?.['singleThread']).toBeUndefined();
    expect(isShared()).toBe(true);
    expect(threadCount(current())).toBe(3);
    expectWorking();
  });

  it('leaves tfjs-wasm as it is for one thread', async () => {
    const info = await wasmBackend({ threads: 1 }).activate();
    expect(info.threads).toBe(1);
    expect(isShared()).toBe(false);
    expectWorking();
  });

  it('is the number of logical processors up to 4 by default', async () => {
    const info = await wasmBackend().activate();
    expect(info.threads).toBe(Math.min(4, availableParallelism()));
    expectWorking();
  });

  it('can be changed while the backend runs; tensors stay valid', async () => {
    await wasmBackend({ threads: 2 }).activate();
    const x = tf.tensor1d([1, 2, 3]);
    for (const threads of [4, 1, 2]) {
      expect((await wasmBackend({ threads }).activate()).threads).toBe(threads);
      expect(threadCount(current())).toBe(threads);
      expect([...x.dataSync()]).toEqual([1, 2, 3]);
    }
    x.dispose();
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity])('%f is refused', (threads) => {
    expect(() => wasmBackend({ threads })).toThrow(
      expect.objectContaining({ name: 'ApoError', code: 'INVALID_ARGUMENT' }),
    );
  });

  it('works with a binary whose memory has no maximum', async () => {
    const wasmPaths = folderWith(withoutMaximum);
    expect((await wasmBackend({ threads: 2, wasmPaths }).activate()).threads).toBe(2);
    expectWorking();
  });

  it('takes the binaries from wasmPaths, a folder or a file for each', async () => {
    const folder = folderWith((binary) => binary);
    expect((await wasmBackend({ threads: 2, wasmPaths: folder }).activate()).threads).toBe(2);
    expectWorking();
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', factory, 2);
    const files = {
      'tfjs-backend-wasm.wasm': join(folder, 'tfjs-backend-wasm.wasm'),
      'tfjs-backend-wasm-simd.wasm': join(folder, SIMD),
      'tfjs-backend-wasm-threaded-simd.wasm': join(folder, 'tfjs-backend-wasm-threaded-simd.wasm'),
    };
    expect((await wasmBackend({ threads: 2, wasmPaths: files }).activate()).threads).toBe(2);
    expectWorking();
  });
});

describe('one thread remains, with the reason,', () => {
  function expectOneThread(info: BackendInfo, reason: RegExp): void {
    expect(info.threads).toBe(1);
    expect(info.details?.['singleThread']).toMatch(reason);
    expect(info.warning).toMatch(reason);
    expect(threadCount(current())).toBe(1);
    expectWorking();
  }

  it('when fetch() does not read blobs, or reads something else', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new Error('offline')));
    // A folder of its own: a binary that was prepared before is not fetched again.
    const adapter = wasmBackend({ threads: 2, wasmPaths: folderWith((binary) => binary) });
    expectOneThread(await adapter.activate(), /fetch\(\) does not read blobs here: offline/);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', factory, 2);
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('x')));
    expectOneThread(await adapter.activate(), /fetch\(\) gave 1 bytes/);
  });

  it('when the backend runs already on a memory of its own', async () => {
    await wasmBackend({ threads: 1 }).activate();
    expectOneThread(await wasmBackend({ threads: 2 }).activate(), /was running already/);
  });

  it('when our kernels are off', async () => {
    expectOneThread(
      await wasmBackend({ threads: 2, simd: 'off' }).activate(),
      /Only our own kernels use threads/,
    );
    expect((await wasmBackend({ threads: 2 }).activate()).threads).toBe(2);
  });

  it('without a warning when nobody asked for more', async () => {
    await wasmBackend({ threads: 1 }).activate();
    expect((await wasmBackend().activate()).warning).toBeUndefined();
  });
});

describe('a shared memory', () => {
  it('grows under tfjs-wasm: old and new tensors read and compute right', async () => {
    await wasmBackend({ threads: 2 }).activate();
    const memory = memoryOf(current());
    const before = memory.buffer.byteLength;
    const tensors = tf.memory().numTensors;
    const first = tf.tensor1d([1, 2, 3]);
    // 24 tensors of 4 MB: more than the 16 MB that the memory starts with.
    const large = Array.from({ length: 24 }, (_, i) => tf.fill([1024, 1024], i));
    expect(memory.buffer.byteLength).toBeGreaterThan(before);
    expect([...first.dataSync()]).toEqual([1, 2, 3]);
    for (const [i, tensor] of large.entries()) {
      const sum = tf.sum(tensor);
      const last = tf.slice(tensor, [1023, 1023], [1, 1]);
      expectClose(sum.dataSync(), [i * 2 ** 20], 1e-6);
      expect(last.dataSync()[0]).toBe(i);
      tf.dispose([sum, last]);
    }
    // Written from JavaScript after the growth, into memory beyond the old end.
    const values = Float32Array.from({ length: 2 ** 20 }, (_, i) => i % 7);
    const written = tf.tensor1d(values);
    expect(Buffer.compare(new Uint8Array(written.dataSync().buffer), new Uint8Array(values.buffer))).toBe(0);
    tf.dispose([first, written, ...large]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('gives values of its own: what dataSync returned does not change with the tensor', async () => {
    await wasmBackend({ threads: 2 }).activate();
    const x = tf.tensor1d([1, 2]);
    const values = x.dataSync();
    expect(values.buffer).toBeInstanceOf(ArrayBuffer);
    x.dispose();
    tf.tensor1d([8, 9]).dispose();
    expect([...values]).toEqual([1, 2]);
  });
});
