/** A kernel that fails gives back what it had made, however deep, and nothing else. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { ApoError } from '@apo/core';
import { runCurrent } from '../current.js';
import { allocate, floats, openWindow, release } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { randomTensor, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

const NAMES = ['TestInner', 'TestOuter'] as const;
afterEach(() => {
  for (const name of NAMES) tf.unregisterKernel(name, 'wasm');
});

/** An inner kernel that makes a tensor, and fails if told to; an outer one that makes more and calls it. */
function register(): void {
  const inner = defineKernel<{ x: tf.TensorInfo }, { fails: boolean }>(
    'TestInner',
    ({ inputs: { x }, attrs, backend }) => {
      const y = allocate(backend, x.shape);
      if (attrs.fails) throw new ApoError('UNSUPPORTED', 'inner failure');
      floats(backend, y).set(floats(backend, x));
      return y;
    },
  );
  const outer = defineKernel<{ x: tf.TensorInfo }, { fails: 'inside' | 'after' | 'not' }>(
    'TestOuter',
    ({ inputs: { x }, attrs, backend }) => {
      // One that is given back by the kernel itself, one that a stock kernel makes, and a window into the input.
      release(backend, allocate(backend, [1000]));
      const stock = runCurrent('Square', { x }, backend);
      openWindow(backend, x, 1, [2]);
      const copy = runCurrent('TestInner', { x: stock }, backend, { fails: attrs.fails === 'inside' });
      if (attrs.fails === 'after') throw new ApoError('UNSUPPORTED', 'outer failure');
      release(backend, stock);
      return copy;
    },
  );
  for (const { kernelName, kernelFunc } of [inner, outer]) {
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
  }
}

it.each([
  ['inside', /inner failure/],
  ['after', /outer failure/],
] as const)('that fails %s', (fails, message) => {
  register();
  const backend = tf.backend() as unknown as BackendWasm;
  const x = randomTensor([100], 1);
  const values = Array.from(x.dataSync());
  const before = { blocks: backend.numDataIds(), tensors: tf.memory().numTensors };
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(() => tf.engine().runKernel('TestOuter', { x }, { fails })).toThrow(message);
    expect({ blocks: backend.numDataIds(), tensors: tf.memory().numTensors }).toEqual(before);
  }
  // The window did not take the input's memory with it: new tensors lie elsewhere.
  const others = Array.from({ length: 20 }, () => tf.ones([100]));
  expect(Array.from(x.dataSync())).toEqual(values);
  tf.dispose([x, ...others]);
});

it('keeps what a kernel that does not fail returns, also after others have failed', () => {
  register();
  const x = tf.tensor1d([1, 2, 3]);
  expect(() => tf.engine().runKernel('TestInner', { x }, { fails: true })).toThrow(/inner failure/);
  const y: tf.Tensor = tf.engine().runKernel('TestInner', { x }, { fails: false });
  expect(() => tf.engine().runKernel('TestInner', { x }, { fails: true })).toThrow(/inner failure/);
  expect(Array.from(y.dataSync())).toEqual([1, 2, 3]);
  tf.dispose([x, y]);
});
