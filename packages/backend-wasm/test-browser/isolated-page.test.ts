/** In a cross-origin-isolated page the kernels run on several threads, and a worker that dies is an error. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { expect, it } from 'vitest';
import { expectClose } from '../src/testing/setup.js';
import { memoryOf, nativeModule } from '../src/native/module.js';
import { startWorker } from '../src/threads/host.js';
import { threadCount } from '../src/threads/parallel.js';
import { startPool } from '../src/threads/pool.js';
import { fetchedBinaries, memoryIsShared, restart, train } from './restart.js';
import { wasmFolder } from './wasm-files.js';

it('the page may share memory', () => {
  expect(crossOriginIsolated).toBe(true);
});

it.each([2, 3])('%i threads are started, on the binary with a shared memory', async (threads) => {
  const info = await restart({ wasmPaths: wasmFolder, threads });
  expect(info.threads).toBe(threads);
  expect(info.warning).toBeUndefined();
  expect(info.details).toMatchObject({ build: 'relaxed' });
  expect(info.details).not.toHaveProperty('singleThread');
  expect(threadCount(tf.backend() as unknown as BackendWasm)).toBe(threads);
  expect(memoryIsShared()).toBe(true);
  expect(fetchedBinaries()).toEqual([`${wasmFolder}tfjs-backend-wasm-threaded-simd.wasm`]);
});

it('one thread is kept to when one is asked for', async () => {
  const info = await restart({ threads: 1 });
  expect(info.threads).toBe(1);
  expect(info.warning).toBeUndefined();
});

it('threads train to the same bits twice, and to the weights of one thread but for rounding', async () => {
  await restart({ threads: 1 });
  const alone = train();
  await restart({ threads: 2 });
  const together = train();
  expect(train()).toEqual(together);
  // A split changes the order of some sums: as between builds.
  expectClose(together, alone, 1e-5);
});

it('a worker that dies is an error with what it died of', async () => {
  await restart({ threads: 2 });
  const memory = memoryOf(tf.backend() as unknown as BackendWasm);
  const pool = await startPool({
    threads: 2,
    memory,
    modules: [nativeModule('relaxed', memory)],
    start: (program, data) =>
      startWorker(`Atomics.wait = () => { throw new Error('out of luck'); };\n${program}`, data),
  });
  await expect
    .poll(() => {
      try {
        pool.run(0, []);
        return 'nothing';
      } catch (error) {
        return error instanceof Error ? error.message : 'something else';
      }
    })
    .toMatch(/Worker 1 .* died: .*out of luck/);
  pool.stop();
});
