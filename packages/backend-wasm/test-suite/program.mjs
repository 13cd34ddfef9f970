// The program that bundle.mjs makes and run.mjs starts as a child process: all tests of tfjs-core on the backend `wasm`,
// with the kernels as published (`stock`) or with this package's (`ours`). It reports every result to its parent at once.
import './jasmine-globals.mjs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import './wasm-environment.mjs';
import '@tensorflow/tfjs-core/dist/tests';

/** Longest time for one asynchronous test. */
const TIMEOUT_MS = 20_000;

/** Tests that draw random numbers draw the same ones in every run: mulberry32, restarted before each test. */
function seedRandom() {
  let state = 0x9e3779b9;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What failed, in one line. */
function reasonOf({ failedExpectations }) {
  return failedExpectations.map(({ message }) => message.split('\n')[0].slice(0, 300)).join(' | ');
}

/** Starts our engine; a suite begins with a new backend, which gets its threads before its first test. */
async function startOurs(options) {
  const { wasmBackend } = await import('../src/index.ts');
  const adapter = wasmBackend(options);
  await adapter.activate();
  if (options.threads === 1) return;
  const started = new WeakSet();
  beforeEach(async () => {
    if (tf.getBackend() !== 'wasm' || started.has(tf.backend())) return;
    await adapter.activate();
    started.add(tf.backend());
  });
}

async function runTests({ engine, simd, threads, wasmFolder, only, skip }) {
  if (engine === 'stock') setWasmPaths(wasmFolder);
  else await startOurs({ simd, threads, wasmPaths: wasmFolder });
  const { fetch } = globalThis;
  const skipped = new Set(skip);
  const environment = jasmine.getEnv();
  jasmine.DEFAULT_TIMEOUT_INTERVAL = TIMEOUT_MS;
  environment.configure({
    random: false,
    specFilter: (spec) => !skipped.has(spec.id) && only.some((word) => spec.getFullName().includes(word)),
  });
  environment.addReporter({
    specStarted({ id, fullName }) {
      seedRandom();
      // Waits until it has left: a test that blocks would keep it back.
      return new Promise((sent) => process.send({ type: 'started', id, name: fullName }, sent));
    },
    specDone(result) {
      const { id, fullName, status } = result;
      if (status === 'excluded') return;
      process.send({ type: 'done', id, name: fullName, status, reason: reasonOf(result) });
    },
    suiteDone(result) {
      // The tests of loading over HTTP leave a `fetch` behind that fetches nothing.
      globalThis.fetch = fetch;
      if (result.failedExpectations.length === 0) return;
      process.send({ type: 'suite-failed', name: result.fullName, reason: reasonOf(result) });
    },
  });
  await environment.execute();
  process.send({ type: 'finished' }, () => process.exit(0));
}

process.once('message', (settings) => void runTests(settings));
process.send({ type: 'ready' });
