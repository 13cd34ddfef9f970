import * as tf from '@tensorflow/tfjs-core';
import '@apo/core';
import { createRandom } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { differences, innerProduct, matrix, multiply, numbers, transposed } from '../../test/reference.js';
import type { NumberMap } from '../../test/reference.js';
import { disturbed, expectClose, leaked, normalTensor, toRows, values } from '../../test/tensors.js';
import { factoredBlock, rawBlock } from './full.js';

const N = 5;

describe.each([
  ['P', rawBlock, (c: number[][]) => c],
  ['C Cᵀ', factoredBlock, (c: number[][]) => multiply(c, transposed(c))],
] as const)('P = %s', (_, make, dense) => {
  const setting = () => {
    const block = make('x', N);
    const start = tf.tidy(() => block.initialPhi(createRandom(0), 1));
    const phi = disturbed(start);
    tf.dispose(start);
    const g = normalTensor([N, 1], 31) as tf.Tensor2D;
    const w = normalTensor([N, 1], 32) as tf.Tensor2D;
    return { block, phi, g, w, dispose: () => tf.dispose([phi, g, w]) };
  };
  const denseOf = (phi: NumberMap): number[][] => dense(matrix(N, N, (i, j) => phi['x']!.data[i * N + j]!));

  it('multiplies the gradient', () => {
    const { block, phi, g, dispose } = setting();
    const update = tf.tidy(() => values(block.apply(phi, g)));
    expectClose(update, multiply(denseOf(numbers(phi)), toRows(g)).flat(), 1e-5);
    dispose();
  });

  it('has the gradient of central differences in double precision', () => {
    const { block, phi, g, w, dispose } = setting();
    const [gRows, wRows] = [toRows(g), toRows(w)];
    const f = (at: NumberMap): number => innerProduct(wRows, multiply(denseOf(at), gRows));
    const expected = differences(f, numbers(phi));
    tf.tidy(() => {
      const { phi: gradient, inner } = block.gradient(phi, g, w);
      expectClose(values(gradient['x']!), expected['x']!, 1e-5);
      const value = f(numbers(phi));
      expectClose([...values(inner), ...values(block.inner(phi, g, w))], [value, value], 1e-5);
    });
    dispose();
  });

  it('starts as the identity and leaves no tensor behind', async () => {
    const lost = await leaked(() => {
      const { block, g, w, dispose } = setting();
      const phi = tf.tidy(() => block.initialPhi(createRandom(0), 1));
      tf.tidy(() => {
        expect(values(block.apply(phi, g))).toEqual(values(g));
        block.gradient(phi, g, w);
      });
      tf.dispose(phi);
      dispose();
    });
    expect(lost).toBe(0);
  });
});
