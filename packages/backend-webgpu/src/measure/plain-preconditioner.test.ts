/** The preconditioner by plain ops against whole matrices in double precision, and its derivatives against those of tfjs, on the backend `cpu`. */
import { basePass } from '@apo/core';
import type { TensorMap } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { eye, Matrix } from '../testing/matrix.js';
import { expectClose, randomTensor } from '../testing/setup.js';
import { plainDerivatives, plainStep } from './plain-preconditioner.js';

const [M, N, RANK, ETA] = [5, 3, 2, 0.3];

const shapes: Readonly<Record<string, Readonly<Record<string, number[]>>>> = {
  'low rank': { columnU: [N, RANK], columnV: [N, RANK], rowU: [M, RANK], rowV: [M, RANK] },
  'whole matrices': { columns: [N, N], rows: [M, M] },
};

const pair = (seed: number): TensorMap => ({
  matrix: randomTensor([M - 1, N], seed),
  lastRow: randomTensor([N], seed + 1),
});

const matrix = (tensor: tf.Tensor): Matrix =>
  new Matrix(tensor.shape[0], tensor.shape[1] ?? 1, Array.from(tensor.dataSync()));

const flat = (tensors: readonly tf.Tensor[]): number[] => tensors.flatMap((t) => Array.from(t.dataSync()));

describe.each(Object.entries(shapes))('%s', (_, factors) => {
  beforeAll(async () => {
    // Gradients come with @apo/core.
    expect(basePass).toBeInstanceOf(Function);
    await tf.setBackend('cpu');
  });

  const single = (): Record<string, tf.Tensor> => ({
    scale: randomTensor([M, N], 1),
    rates: tf.tensor1d([ETA]),
    ...Object.fromEntries(
      Object.entries(factors).map(([name, shape], i) => [name, randomTensor(shape, 2 + i)]),
    ),
  });

  test('a step is Eq. 9–10, and leaves no tensor', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const given = single();
      const [g, theta] = [pair(20), pair(30)];
      const actual = flat(plainStep(given, g, theta));
      const side = (size: number, whole: string, u: string, v: string): Matrix =>
        given[whole]
          ? matrix(given[whole])
          : matrix(given[u]!).times(matrix(given[v]!).transposed()).plus(eye(size));
      const [a, b] = [side(N, 'columns', 'columnU', 'columnV'), side(M, 'rows', 'rowU', 'rowV')];
      const s = matrix(given['scale']!);
      const t = b
        .transposed()
        .times(new Matrix(M, N, flat(Object.values(g))))
        .times(a)
        .by(s)
        .by(s);
      const u = b.times(t).times(a.transposed());
      expectClose(actual, new Matrix(M, N, flat(Object.values(theta))).plus(u.scaled(-ETA)).values, 1e-5);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('derivatives are those of tfjs', () => {
    tf.tidy(() => {
      const given = single();
      const [g, v] = [pair(20), pair(40)];
      const names = ['scale', ...Object.keys(factors)];
      const zero = { matrix: tf.zeros([M - 1, N]), lastRow: tf.zeros([N]) };
      // θ = 0, so that θ′ = −η P g.
      const objective = (...entries: tf.Tensor[]): tf.Scalar => {
        const trial = { ...given, ...Object.fromEntries(names.map((name, i) => [name, entries[i]!])) };
        const [next, last] = plainStep(trial, g, zero) as [tf.Tensor, tf.Tensor];
        return tf.add(tf.sum(tf.mul(v['matrix']!, next)), tf.sum(tf.mul(v['lastRow']!, last)));
      };
      const phi = names.map((name) => given[name]!);
      const expected = [...tf.grads(objective)(phi), objective(...phi)];
      const actual = plainDerivatives(given, g, v);
      expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
      actual.forEach((tensor, i) => expectClose(tensor.dataSync(), expected[i]!.dataSync(), 1e-5));
    });
  });
});
