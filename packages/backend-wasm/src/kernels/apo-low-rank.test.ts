/** The kernels of a low-rank preconditioner against Eq. 9–10 in plain operators, with A and B as whole matrices, and its derivatives by tfjs. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { runEngineKernel } from '@apo/core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { wasmBackend } from '../adapter.js';
import { chooseNativeBuild } from '../native/module.js';
import { threadCount } from '../threads/parallel.js';
import { expectClose, randomTensor, startWasm } from '../testing/setup.js';

beforeAll(startWasm);
afterEach(() => chooseNativeBuild('auto'));

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

/** Panels have 48 rows and 16 columns; below, at and above, ranks of every kind, one row, one column. */
const shapes = [
  shape(101, 70, 16, 16),
  shape(97, 33, 16, 5),
  shape(49, 16, 3, 16, false),
  shape(48, 17, 32, 32, false),
  shape(33, 10, 10, 16),
  shape(11, 40, 16, 11),
  shape(2, 5, 5, 2),
  shape(1, 7, 0, 0, false),
  shape(1, 50, 16, 0, false),
  shape(60, 1, 0, 16),
  shape(60, 40, 0, 0),
  shape(60, 40, 0, 4),
  shape(60, 40, 4, 0),
  shape(400, 300, 16, 16),
];

type Named = Record<string, tf.Tensor>;

/** Everything that a block reads; the caller disposes it. Values of order one, and P within a few times I. */
function problem({ m, n, columnRank, rowRank, folded }: Shape) {
  const matrix = (seed: number): Named => {
    const sizes = folded ? [[m - 1, n], [n]] : [[m, n]];
    return Object.fromEntries(sizes.map((size, i) => [`part${i}`, randomTensor(size, seed + i)]));
  };
  const factor = (size: number, rank: number, seed: number): tf.Tensor =>
    tf.tidy(() => tf.mul(randomTensor([size, rank], seed), 1 / Math.sqrt(size)));
  const phi: Named = {
    scale: randomTensor([m, n], 1),
    ...(columnRank > 0 && { columnU: factor(n, columnRank, 2), columnV: factor(n, columnRank, 3) }),
    ...(rowRank > 0 && { rowU: factor(m, rowRank, 4), rowV: factor(m, rowRank, 5) }),
  };
  return {
    phi,
    gradient: matrix(10),
    cotangent: matrix(20),
    variable: matrix(30),
    rates: tf.tensor1d([7, 0.3]),
  };
}

type Problem = ReturnType<typeof problem>;

const asMatrix = (parts: Named, columns: number): tf.Tensor2D =>
  tf.concat(Object.values(parts).map((part): tf.Tensor2D => tf.reshape(part, [-1, columns])));

/** I + U Vᵀ. */
function whole(size: number, u: tf.Tensor | undefined, v: tf.Tensor | undefined): tf.Tensor2D {
  const one = tf.eye(size);
  return u && v ? tf.add(one, tf.matMul(u as tf.Tensor2D, v as tf.Tensor2D, false, true)) : one;
}

/** P X = B (S⊙S ⊙ (Bᵀ X A)) Aᵀ. */
function preconditioned(phi: Named, x: tf.Tensor2D): tf.Tensor2D {
  const [m, n] = x.shape;
  const a = whole(n, phi['columnU'], phi['columnV']);
  const b = whole(m, phi['rowU'], phi['rowV']);
  const rotated = tf.matMul(tf.matMul(b, x, true), a);
  const t: tf.Tensor2D = tf.mul(tf.square(phi['scale']!), rotated);
  return tf.matMul(tf.matMul(b, t), a, false, true);
}

const data = (tensors: readonly tf.Tensor[]): number[][] => tensors.map((t) => Array.from(t.dataSync()));

function update({ phi, gradient, variable, rates }: Problem, decay?: number): number[][] {
  return tf.tidy(() => {
    const single = { ...phi, rates, ...(decay !== undefined && { decay: tf.scalar(decay) }) };
    const roles = { gradient, variable };
    return data(runEngineKernel('ApoLowRankUpdate', { roles, single, attributes: { place: 1 } })!);
  });
}

function gradientOf({ phi, gradient, cotangent, rates }: Problem): number[][] {
  return tf.tidy(() => {
    const roles = { gradient, cotangent };
    return data(
      runEngineKernel('ApoLowRankGradient', { roles, single: { ...phi, rates }, attributes: { place: 1 } })!,
    );
  });
}

/** Runs `body` on the problem and checks that no tensor and no block of memory is left. */
function withProblem(of: Shape, body: (given: Problem) => void): void {
  const backend = tf.backend() as unknown as BackendWasm;
  const before = [tf.memory().numTensors, backend.numDataIds()];
  const given = problem(of);
  body(given);
  tf.dispose([given.phi, given.gradient, given.cotangent, given.variable, given.rates]);
  expect([tf.memory().numTensors, backend.numDataIds()]).toEqual(before);
}

/** Every vector within `tolerance` of the expected one, relative to the longest element. */
function expectNear(actual: readonly number[][], expected: readonly number[][], tolerance = 1e-5): void {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  actual.forEach((values, i) => {
    const size = Math.max(1e-30, ...expected[i]!.map(Math.abs));
    expectClose(
      values.map((value) => value / size),
      expected[i]!.map((value) => value / size),
      tolerance,
    );
  });
}

describe.each(['relaxed', 'simd'] as const)('build %s', (build) => {
  it.each(shapes)(
    'P of $m×$n, ranks $columnRank and $rowRank, is Eq. 9–10 (last row apart: $folded)',
    (of) => {
      chooseNativeBuild(build);
      withProblem(of, (given) => {
        const { phi, gradient, variable, rates } = given;
        const [expected, stepped, decayed] = tf.tidy(() => {
          const u = preconditioned(phi, asMatrix(gradient, of.n));
          const theta = asMatrix(variable, of.n);
          const step = tf.sub(theta, tf.mul(u, 0.3));
          return data([u, step, tf.sub(step, tf.mul(theta, 0.3 * 0.25))]);
        }) as [number[], number[], number[]];
        const direction = tf.tidy(() =>
          data(
            runEngineKernel('ApoLowRankUpdate', {
              roles: { gradient },
              single: { ...phi, rates },
              attributes: { place: 1 },
            })!,
          ),
        );
        expectNear([direction.flat()], [expected]);
        expectNear([update(given).flat()], [stepped]);
        expectNear([update(given, 0.25).flat()], [decayed]);
      });
    },
  );

  it.each(shapes)('its derivatives for $m×$n, ranks $columnRank and $rowRank, are those of tfjs', (of) => {
    chooseNativeBuild(build);
    withProblem(of, (given) => {
      const { phi, gradient, cotangent } = given;
      const names = Object.keys(phi);
      const expected = tf.tidy(() => {
        const [g, v] = [asMatrix(gradient, of.n), asMatrix(cotangent, of.n)];
        const objective = (...entries: tf.Tensor[]): tf.Scalar => {
          const trial = Object.fromEntries(names.map((name, i) => [name, entries[i]!]));
          return tf.mul(tf.sum(tf.mul(v, preconditioned(trial, g))), -0.3);
        };
        return data([...tf.grads(objective)(Object.values(phi)), objective(...Object.values(phi))]);
      });
      expectNear(gradientOf(given), expected, 3e-5);
    });
  });
});

it('gives the same bits every time for a number of threads, and the same values but for rounding for all', async () => {
  const of = shape(400, 300, 16, 16);
  const seen: number[][][] = [];
  for (const threads of [1, 2, 3]) {
    await wasmBackend({ threads: 3 }).activate();
    await wasmBackend({ threads }).activate();
    expect(threadCount(tf.backend() as unknown as BackendWasm)).toBe(threads);
    withProblem(of, (given) => {
      const first = [...update(given), ...gradientOf(given)];
      expect([...update(given), ...gradientOf(given)]).toEqual(first);
      seen.push(first);
    });
  }
  for (const other of seen.slice(1)) expectNear(other, seen[0]!);
});

it('is in place nowhere: inputs keep their values', () => {
  withProblem(shape(33, 20, 4, 4), (given) => {
    const inputs = [given.phi, given.gradient, given.cotangent, given.variable].flatMap(
      Object.values,
    ) as tf.Tensor[];
    const before = data(inputs);
    update(given);
    gradientOf(given);
    expect(data(inputs)).toEqual(before);
  });
});

it('lets NaN and infinities through where plain operators do', () => {
  withProblem(shape(33, 20, 4, 4), (given) => {
    const poisoned = tf.tidy(() => {
      const values = Array.from(given.gradient['part0']!.dataSync());
      values[5] = NaN;
      return tf.keep(tf.tensor(values, given.gradient['part0']!.shape));
    });
    given.gradient['part0']!.dispose();
    given.gradient['part0'] = poisoned;
    // Bᵀ G A with a NaN in one row and dense factors has it everywhere.
    expect(update(given).flat().every(Number.isNaN)).toBe(true);
  });
});

it('declines without the module and for no rows, and plain operators are to run', () => {
  const ask = (given: Problem): unknown =>
    runEngineKernel('ApoLowRankUpdate', {
      roles: { gradient: given.gradient },
      single: { ...given.phi, rates: given.rates },
      attributes: { place: 1 },
    });
  chooseNativeBuild('off');
  withProblem(shape(4, 5, 2, 2), (given) => expect(ask(given)).toBeUndefined());
  chooseNativeBuild('auto');
  withProblem(shape(0, 5, 2, 0, false), (given) => expect(ask(given)).toBeUndefined());
});
