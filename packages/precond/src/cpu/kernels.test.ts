/** The kernels of the backend `cpu` against the same block in plain operators. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createRandom, runEngineKernel } from '@apo/core';
import type { TensorMap } from '@apo/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { disturbed, expectClose, leaked, normalTensor, values } from '../../test/tensors.js';
import { kroneckerBlock } from '../blocks/kronecker.js';
import { identityFactor } from '../factors/identity.js';
import { lowRankFactor } from '../factors/low-rank.js';
import { registerCpuKernels } from './kernels.js';

// Whatever engine the suite runs on, these are kernels of this one.
beforeAll(async () => {
  await tf.setBackend('cpu');
  registerCpuKernels();
});

interface Shape {
  readonly m: number;
  readonly n: number;
  readonly columnRank: number;
  readonly rowRank: number;
  /** The last row is a tensor of its own. */
  readonly folded: boolean;
}

const shape = (m: number, n: number, columnRank: number, rowRank: number, folded = true): Shape => ({
  m,
  n,
  columnRank,
  rowRank,
  folded,
});

/** Whole panels of four rows and less, whole groups of four ranks and less, I on either side or on both, one row, one column. */
const shapes = [
  shape(9, 7, 4, 8),
  shape(12, 6, 5, 3),
  shape(8, 5, 1, 2, false),
  shape(6, 4, 0, 0),
  shape(7, 3, 0, 5),
  shape(7, 9, 6, 0),
  shape(1, 8, 4, 0, false),
  shape(10, 1, 0, 4),
];

function setting({ m, n, columnRank, rowRank, folded }: Shape) {
  const block = kroneckerBlock('S', [m, n], {
    columns: columnRank === 0 ? identityFactor : lowRankFactor('A', n, columnRank),
    rows: rowRank === 0 ? identityFactor : lowRankFactor('B', m, rowRank),
  });
  const start = tf.tidy(() => block.initialPhi(createRandom(0), 1));
  const phi = disturbed(start);
  tf.dispose(start);
  const matrix = (seed: number): TensorMap =>
    Object.fromEntries(
      (folded ? [[m - 1, n], [n]] : [[m, n]]).map((size, i) => [`part${i}`, normalTensor(size, seed + i)]),
    );
  const given = { phi, gradient: matrix(10), cotangent: matrix(20), variable: matrix(30) };
  const asMatrix = (parts: TensorMap): tf.Tensor2D =>
    tf.concat(Object.values(parts).map((part): tf.Tensor2D => tf.reshape(part, [-1, n])));
  const single = (decay?: number): Record<string, tf.Tensor> => ({
    rates: tf.tensor1d([7, 0.3]),
    scale: phi['S']!,
    ...(columnRank > 0 && { columnU: phi['A.U']!, columnV: phi['A.V']! }),
    ...(rowRank > 0 && { rowU: phi['B.U']!, rowV: phi['B.V']! }),
    ...(decay !== undefined && { decay: tf.scalar(decay) }),
  });
  return { block, ...given, asMatrix, single, dispose: () => tf.dispose(given) };
}

type Setting = ReturnType<typeof setting>;

function update({ gradient, variable, single }: Setting, decay?: number): tf.Tensor[] {
  const call = { roles: { gradient, variable }, single: single(decay), attributes: { place: 1 } };
  return runEngineKernel('ApoLowRankUpdate', call)!;
}

function gradientOf({ gradient, cotangent, single }: Setting): tf.Tensor[] {
  const call = { roles: { gradient, cotangent }, single: single(), attributes: { place: 1 } };
  return runEngineKernel('ApoLowRankGradient', call)!;
}

const flat = (tensors: readonly tf.Tensor[]): number[] => tensors.flatMap(values);

describe.each(shapes)('$m×$n, ranks $columnRank and $rowRank, last row apart: $folded', (of) => {
  it('P g, a step, and a step that decays are those of plain operators', () => {
    const given = setting(of);
    const { block, phi, gradient, variable, asMatrix, single } = given;
    tf.tidy(() => {
      const u = block.apply(phi, asMatrix(gradient));
      const theta = asMatrix(variable);
      const step = tf.sub(theta, tf.mul(u, 0.3));
      const direction = runEngineKernel('ApoLowRankUpdate', {
        roles: { gradient },
        single: single(),
        attributes: { place: 1 },
      })!;
      expect(direction.map((part) => part.shape)).toEqual(Object.values(gradient).map((part) => part.shape));
      expectClose(flat(direction), values(u), 1e-5);
      expectClose(flat(update(given)), values(step), 1e-5);
      expectClose(flat(update(given, 0.25)), values(tf.sub(step, tf.mul(theta, 0.3 * 0.25))), 1e-5);
    });
    given.dispose();
  });

  it('derivatives are those of plain operators', () => {
    const given = setting(of);
    const { block, phi, gradient, cotangent, asMatrix } = given;
    tf.tidy(() => {
      const w: tf.Tensor2D = tf.mul(asMatrix(cotangent), -0.3);
      const expected = block.gradient(phi, asMatrix(gradient), w);
      const names = ['S', 'A.U', 'A.V', 'B.U', 'B.V'].filter((name) => name in phi);
      const actual = gradientOf(given);
      expect(actual).toHaveLength(names.length + 1);
      names.forEach((name, i) => {
        expect(actual[i]!.shape).toEqual(phi[name]!.shape);
        expectClose(values(actual[i]!), values(expected.phi[name]!), 2e-5);
      });
      expectClose(values(actual[names.length]!), values(expected.inner), 2e-5);
    });
    given.dispose();
  });

  it('writes to no input, gives the same bits again, and leaves nothing behind', async () => {
    expect(
      await leaked(() => {
        const given = setting(of);
        const { phi, gradient, cotangent, variable } = given;
        const inputs = [phi, gradient, cotangent, variable].flatMap((map) => Object.values(map));
        const before = flat(inputs);
        tf.tidy(() => {
          const first = flat([...update(given), ...gradientOf(given)]);
          expect(flat([...update(given), ...gradientOf(given)])).toEqual(first);
        });
        expect(flat(inputs)).toEqual(before);
        given.dispose();
      }),
    ).toBe(0);
  });
});

it('registers once', () => {
  const own = tf.getKernel('ApoLowRankUpdate', 'cpu');
  registerCpuKernels();
  expect(tf.getKernel('ApoLowRankUpdate', 'cpu')).toBe(own);
});
