import { expect, test } from 'vitest';
import { engineText, statusText } from './status-text.js';
import type { StatusParts } from './status-text.js';

const engine = { engine: 'wasm', threads: 2, hardware: 'SIMD', why: 'No GPU.', warning: '' } as const;
const parts: StatusParts = {
  phase: 'idle',
  loading: { loaded: 0, total: 0 },
  engine,
  step: 30,
  outcome: () => 'It went well.',
};

test.each([
  [{}, 'Ready.'],
  [{ phase: 'loading', loading: { loaded: 2, total: 6 } }, 'Loading MNIST: 2 of 6 files.'],
  [{ phase: 'loading', loading: { loaded: 6, total: 6 } }, 'Starting the engine.'],
  [{ phase: 'running' }, 'Training on WASM on 2 threads (SIMD).'],
  [{ phase: 'running', engine: undefined }, 'Training.'],
  [{ phase: 'paused' }, 'Paused after 30 steps.'],
  [{ phase: 'finished' }, 'Done after 30 steps. It went well.'],
  [{ phase: 'failed' }, 'Stopped by an error.'],
] as const)('%o: %s', (changes, sentence) => {
  expect(statusText({ ...parts, ...changes })).toBe(sentence);
});

test('the engine: what, why, and at what cost', () => {
  expect(engineText(engine)).toBe('On WASM on 2 threads (SIMD). No GPU.');
  expect(engineText({ ...engine, why: '', warning: 'One thread.' })).toBe(
    'On WASM on 2 threads (SIMD). One thread.',
  );
});
