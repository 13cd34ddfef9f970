/** The kernels of preconditioners against Eq. 9–10 and their derivatives in float64, with A and B as whole matrices. */
import { runEngineKernel } from '@apo/core';
import type { EngineKernelName, TensorMap } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from '../index.js';
import { eye, Matrix } from '../testing/matrix.js';
import { backend, counted, randomValues, titleOf, whyNoWebgpu } from '../testing/setup.js';

const missing = await whyNoWebgpu();

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

/** Tiles have 16 rows and columns and 16 of the inner side: more than one, in fours and not; one side alone. */
const shapes = [
  shape(37, 21, 3, 5),
  shape(20, 16, 4, 4, false),
  shape(18, 9, 0, 2),
  shape(5, 24, 4, 0, false),
];

const RATES = [7, 0.3];
const ETA = RATES[1]!;

/** Values of order one, and P within a few times I. */
function problem({ m, n, columnRank, rowRank }: Shape, whole: boolean) {
  const matrix = (rows: number, columns: number, seed: number, scale = 1): Matrix =>
    new Matrix(
      rows,
      columns,
      Array.from(randomValues(rows * columns, seed), (value) => Math.fround(value * scale)),
    );
  const factors: Record<string, Matrix> = whole
    ? {
        ...(columnRank > 0 && {
          columns: matrix(n, n, 2, 1 / Math.sqrt(n))
            .plus(eye(n))
            .rounded(),
        }),
        ...(rowRank > 0 && {
          rows: matrix(m, m, 4, 1 / Math.sqrt(m))
            .plus(eye(m))
            .rounded(),
        }),
      }
    : {
        ...(columnRank > 0 && {
          columnU: matrix(n, columnRank, 2, 0.5),
          columnV: matrix(n, columnRank, 3, 0.5),
        }),
        ...(rowRank > 0 && { rowU: matrix(m, rowRank, 4, 0.5), rowV: matrix(m, rowRank, 5, 0.5) }),
      };
  return {
    phi: { scale: matrix(m, n, 1), ...factors },
    gradient: matrix(m, n, 10),
    cotangent: matrix(m, n, 20),
    variable: matrix(m, n, 30),
  };
}

type Problem = ReturnType<typeof problem>;

/** A and B. */
function factors({ phi, gradient: { rows: m, columns: n } }: Problem): { a: Matrix; b: Matrix } {
  const given = phi as Readonly<Record<string, Matrix | undefined>>;
  const side = (size: number, whole?: Matrix, u?: Matrix, v?: Matrix): Matrix =>
    whole ?? (u && v ? u.times(v.transposed()).plus(eye(size)) : eye(size));
  return {
    a: side(n, given['columns'], given['columnU'], given['columnV']),
    b: side(m, given['rows'], given['rowU'], given['rowV']),
  };
}

/** P g = B (S⊙S ⊙ (Bᵀ G A)) Aᵀ. */
function preconditioned(given: Problem): Matrix {
  const { a, b } = factors(given);
  const { scale } = given.phi;
  const t = b.transposed().times(given.gradient).times(a).by(scale).by(scale);
  return b.times(t).times(a.transposed());
}

/** ∂/∂φ of −η ⟨v, P g⟩ by Eq. 10, with ∂/∂U = (∂/∂F) V and ∂/∂V = (∂/∂F)ᵀ U, and −η ⟨v, P g⟩ itself. */
function derivatives(given: Problem): Matrix[] {
  const { a, b } = factors(given);
  const { scale } = given.phi;
  const [g, v] = [given.gradient, given.cotangent];
  const rotate = (x: Matrix): Matrix => b.transposed().times(x).times(a);
  const [r, q] = [rotate(g), rotate(v)];
  const [t, n] = [r.by(scale).by(scale), q.by(scale).by(scale)];
  const byA = v.transposed().times(b).times(t).plus(g.transposed().times(b).times(n));
  const byB = v.times(a).times(t.transposed()).plus(g.times(a).times(n.transposed()));
  const phi = given.phi as Readonly<Record<string, Matrix | undefined>>;
  const side = (by: Matrix, whole?: Matrix, u?: Matrix, w?: Matrix): Matrix[] =>
    whole ? [by] : u && w ? [by.times(w), by.transposed().times(u)] : [];
  const inner = new Matrix(1, 1, [t.by(q).values.reduce((sum, value) => sum + value, 0)]);
  return [
    r.by(q).by(scale).scaled(2),
    ...side(byA, phi['columns'], phi['columnU'], phi['columnV']),
    ...side(byB, phi['rows'], phi['rowU'], phi['rowV']),
    inner,
  ].map((matrix) => matrix.scaled(-ETA));
}

const onDevice = ({ rows, columns, values }: Matrix): tf.Tensor =>
  tf.tensor2d(Float32Array.from(values), [rows, columns]);

/** In one tensor, or its last row in one of its own. */
function parts(matrix: Matrix, folded: boolean): TensorMap {
  const { rows, columns, values } = matrix;
  if (!folded) return { matrix: onDevice(matrix) };
  const cut = (rows - 1) * columns;
  return {
    matrix: tf.tensor2d(Float32Array.from(values.slice(0, cut)), [rows - 1, columns]),
    lastRow: tf.tensor1d(Float32Array.from(values.slice(cut))),
  };
}

interface Call {
  readonly name: EngineKernelName;
  readonly roles: readonly ('gradient' | 'variable' | 'cotangent')[];
  readonly decay?: number;
}

/** What the kernel gives, as lists; nothing else is left. */
async function run(given: Problem, folded: boolean, { name, roles, decay }: Call): Promise<number[][]> {
  const before = [tf.memory().numTensors, backend().numDataIds()];
  const outputs = tf.tidy(() =>
    runEngineKernel(name, {
      roles: Object.fromEntries(roles.map((role) => [role, parts(given[role], folded)])),
      single: {
        ...Object.fromEntries(Object.entries(given.phi).map(([key, matrix]) => [key, onDevice(matrix)])),
        rates: tf.tensor1d(RATES),
        ...(decay !== undefined && { decay: tf.scalar(decay) }),
      },
      attributes: { place: 1 },
    })!,
  );
  const values: number[][] = [];
  for (const output of outputs) values.push(Array.from(await output.data()));
  tf.dispose(outputs);
  expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
  return values;
}

/** Relative to the largest element. */
function expectNear(actual: readonly number[], { values }: Matrix, tolerance: number): void {
  expect(actual).toHaveLength(values.length);
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  const error = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
  expect(error / size).toBeLessThan(tolerance);
}

const forms = [
  ['low rank', 'ApoLowRankUpdate', 'ApoLowRankGradient', false],
  ['whole matrices', 'ApoKroneckerUpdate', 'ApoKroneckerGradient', true],
] as const satisfies [string, EngineKernelName, EngineKernelName, boolean][];

describe.skipIf(missing !== undefined).each(forms)(
  `preconditioner of %s${titleOf(missing)}`,
  (_, update, gradient, whole) => {
    beforeAll(async () => {
      await webgpuBackend().activate();
    });

    test.each(shapes)(
      'P g of $m×$n, ranks $columnRank and $rowRank (last row apart: $folded)',
      async (of) => {
        const given = problem(of, whole);
        const u = preconditioned(given);
        const direction = await run(given, of.folded, { name: update, roles: ['gradient'] });
        expectNear(direction.flat(), u, 1e-5);
        const step = given.variable.plus(u.scaled(-ETA));
        const call: Call = { name: update, roles: ['gradient', 'variable'] };
        const stepped = await run(given, of.folded, call);
        expectNear(stepped.flat(), step, 1e-5);
        expect(await run(given, of.folded, call)).toEqual(stepped);
        const decayed = await run(given, of.folded, { ...call, decay: 0.25 });
        expectNear(decayed.flat(), step.plus(given.variable.scaled(-ETA * 0.25)), 1e-5);
      },
    );

    test.each(shapes)('derivatives for $m×$n, ranks $columnRank and $rowRank', async (of) => {
      const given = problem(of, whole);
      const call: Call = { name: gradient, roles: ['gradient', 'cotangent'] };
      const actual = await run(given, of.folded, call);
      const expected = derivatives(given);
      expect(actual).toHaveLength(expected.length);
      expected.forEach((matrix, i) => expectNear(actual[i]!, matrix, 2e-5));
      expect(await run(given, of.folded, call)).toEqual(actual);
    });

    test('takes few dispatches', async () => {
      const given = problem(shapes[0]!, whole);
      // TensorFlow.js uploads without a dispatch, and reading takes none.
      const dispatchesOf = async (call: Call): Promise<number> =>
        (await counted(() => run(given, true, call).then(() => undefined))).dispatches;
      expect(await dispatchesOf({ name: update, roles: ['gradient', 'variable'] })).toBe(whole ? 5 : 9);
      expect(await dispatchesOf({ name: gradient, roles: ['gradient', 'cotangent'] })).toBe(whole ? 7 : 15);
    });
  },
);
