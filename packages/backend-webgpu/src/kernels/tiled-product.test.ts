/** Our own products against double precision: every transposition, tile and batch; activations; subgroups; and 16-bit factors as far as they can run. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { shaderSource } from '../compute.js';
import { loadDawn, nodeProcess } from '../dawn.js';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from '../index.js';
import { chooseProductPrograms } from '../product-choice.js';
import { multiply, productShader } from '../product/product.js';
import type { Product, ProductOptions } from '../product/product.js';
import type { Tile } from '../product/tile.js';
import { Matrix } from '../testing/matrix.js';
import {
  backend,
  counted,
  expectClose,
  randomTensor,
  randomValues,
  take,
  titleOf,
  whyNoWebgpu,
} from '../testing/setup.js';

const missing = await whyNoWebgpu();

const tile = (rows: number, columns: number, inner: number, block: number, slices: number): Tile => ({
  rows,
  columns,
  inner,
  blockRows: block,
  blockColumns: block,
  slices,
});

/** One whose threads share the inner side, and one of larger blocks. */
const SLICED = tile(16, 16, 32, 4, 2);
const LARGE = tile(32, 32, 16, 8, 1);

/** A product in a form of its own, of rank 2. */
function product(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  transposed: readonly [boolean, boolean],
  result: tf.TensorInfo,
): Product {
  const [rows, inner] = transposed[0] ? [a.shape[1], a.shape[0]] : a.shape;
  const columns = transposed[1] ? b.shape[0] : b.shape[1];
  return {
    key: 'test',
    shape: [1, rows, columns],
    phases: [
      {
        inner,
        pairs: [
          [
            { buffer: 'a', stride: a.shape[1], transposed: transposed[0] },
            { buffer: 'b', stride: b.shape[1], transposed: transposed[1] },
          ],
        ],
      },
    ],
    inputs: { a, b },
    outputs: { result },
    finish: 'result[at] = sum0;',
  };
}

const FORMS: [string, boolean, boolean][] = [
  ['A B', false, false],
  ['Aᵀ B', true, false],
  ['A Bᵀ', false, true],
  ['Aᵀ Bᵀ', true, true],
];

function matrices(rows: number, inner: number, columns: number): { a: Matrix; b: Matrix } {
  return {
    a: new Matrix(rows, inner, Array.from(randomValues(rows * inner, 1))),
    b: new Matrix(inner, columns, Array.from(randomValues(inner * columns, 2))),
  };
}

/** As it lies when the factor is its transpose. */
function tensorOf(matrix: Matrix, transposed: boolean): tf.Tensor2D {
  const { rows, columns, values } = transposed ? matrix.transposed() : matrix;
  return tf.tensor2d([...values], [rows, columns]);
}

describe.skipIf(missing !== undefined)(`own products${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });
  afterEach(() => {
    chooseProductPrograms(undefined);
    installTrainingKernels();
  });

  async function byMultiply(
    { a, b }: { a: Matrix; b: Matrix },
    transposed: readonly [boolean, boolean],
    options: ProductOptions,
  ): Promise<Float32Array> {
    const result = backend().makeTensorInfo([a.rows, b.columns], 'float32');
    tf.tidy(() => {
      multiply(
        backend(),
        product(tensorOf(a, transposed[0]), tensorOf(b, transposed[1]), transposed, result),
        options,
      );
    });
    return take(tf.engine().makeTensorFromTensorInfo(result));
  }

  describe.each(FORMS)('%s', (_, transposeA, transposeB) => {
    // Rows and columns beyond one tile, in fours or, where one factor is transposed, not.
    const [rows, inner, columns] = transposeA === transposeB ? [20, 36, 24] : [21, 19, 18];

    test('are right, the same bits every time, and leave nothing', async () => {
      const given = matrices(rows, inner, columns);
      const expected = given.a.times(given.b).values;
      const before = [tf.memory().numTensors, backend().numDataIds()];
      chooseProductPrograms({ few: 'tiled', many: 'tiled' });
      const once = (): Promise<Float32Array> =>
        take(
          tf.tidy(() =>
            tf.matMul(tensorOf(given.a, transposeA), tensorOf(given.b, transposeB), transposeA, transposeB),
          ),
        );
      const values = await once();
      expectClose(values, expected, 1e-5);
      expect(await once()).toEqual(values);
      expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
    });
  });

  // Both layouts of each side, one in fours and one not.
  test.each([
    [false, false, 21, 36, 20],
    [true, true, 20, 37, 21],
  ])(
    'with threads that share the inner side, with larger blocks, and with subgroups where there are any (transposed: %s)',
    async (transposeA, transposeB, ...sides) => {
      const given = matrices(...sides);
      const expected = given.a.times(given.b).values;
      const forms: ProductOptions[] = [{ tile: SLICED }, { tile: LARGE }];
      if (backend().device.features.has('subgroups')) forms.push({ subgroups: true });
      for (const options of forms)
        expectClose(await byMultiply(given, [transposeA, transposeB], options), expected, 1e-5);
    },
  );

  test('of batches, equal or with one matrix for all, as TensorFlow.js computes them', async () => {
    for (const [a, b] of [
      [
        [2, 3, 4, 5],
        [2, 3, 5, 6],
      ],
      [
        [1, 4, 5],
        [3, 5, 6],
      ],
      [
        [2, 3, 4, 5],
        [5, 6],
      ],
    ] as const) {
      const once = (): Promise<Float32Array> =>
        take(tf.tidy(() => tf.matMul(randomTensor(a, 1) as tf.Tensor3D, randomTensor(b, 2) as tf.Tensor3D)));
      chooseProductPrograms({ few: 'tfjs', many: 'tfjs' });
      const stock = await once();
      chooseProductPrograms({ few: 'tiled', many: 'tiled' });
      expectClose(await once(), stock, 1e-6);
    }
  });

  test.each(['linear', 'relu', 'elu', 'sigmoid', 'relu6'] as const)(
    'with a bias and %s',
    async (activation) => {
      const once = (): Promise<Float32Array> =>
        take(
          tf.tidy(() =>
            tf.fused.matMul({
              a: randomTensor([17, 9], 1),
              b: randomTensor([9, 10], 2),
              bias: randomTensor([10], 3),
              activation,
            }),
          ),
        );
      removeTrainingKernels();
      const stock = await once();
      installTrainingKernels();
      expectClose(await once(), stock, 1e-6);
    },
  );

  test('carry NaN through relu', async () => {
    const values = await take(
      tf.tidy(() =>
        tf.fused.matMul({ a: tf.tensor2d([[NaN], [-1]]), b: tf.tensor2d([[1]]), activation: 'relu' }),
      ),
    );
    expect(Array.from(values)).toEqual([NaN, 0]);
  });

  test('take one dispatch where a factor is transposed, too', async () => {
    const [a, b] = [
      [9, 8],
      [7, 9],
    ].map((shape, i) => tf.tidy(() => tf.add(randomTensor(shape, i), 0)));
    const { dispatches } = await counted(() => {
      tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, true, true).dispose();
    });
    expect(dispatches).toBe(1);
    tf.dispose([a, b]);
  });

  describe('16-bit factors', () => {
    test('are refused without the feature, and nothing changes', async () => {
      if (backend().device.features.has('shader-f16')) return;
      const refused = {
        name: 'ApoError',
        code: 'UNSUPPORTED',
        message: expect.stringContaining('shader-f16') as string,
      };
      expect(() => installTrainingKernels({ deterministic: false, halfPrecision: true })).toThrow(
        expect.objectContaining(refused) as Error,
      );
      await expect(webgpuBackend({ halfPrecision: true }).activate()).rejects.toMatchObject(refused);
      expect(tf.getBackend()).toBe('webgpu');
      // Factors that 16 bits have not.
      const a = tf.tidy(() => tf.matMul([[1 + 2 ** -12]], [[1]]));
      expect(Array.from(await take(a))).toEqual([1 + 2 ** -12]);
    });

    test.skipIf(missing !== undefined)(
      'give a shader that WebGPU accepts, alone and with subgroups',
      async () => {
        // Dawn without a driver compiles for every feature, and runs nothing.
        const loaded = await loadDawn(nodeProcess()!, ['backend=null']);
        expect(loaded).toHaveProperty('dawn');
        const { gpu } = (loaded as Extract<typeof loaded, { dawn: object }>).dawn;
        const adapter = (await gpu.requestAdapter())!;
        const device = await adapter.requestDevice({
          requiredFeatures: ['shader-f16', 'subgroups'] as GPUFeatureName[],
        });
        for (const [transposeA, transposeB] of [
          [false, false],
          [true, true],
        ] as const) {
          for (const subgroups of [false, true]) {
            for (const sizes of [SLICED, LARGE]) {
              const options = { halfPrecision: true, subgroups };
              const [x, y] = [tf.zeros<tf.Rank.R2>([8, 8]), tf.zeros<tf.Rank.R2>([8, 8])];
              const code = shaderSource(
                productShader(product(x, y, [transposeA, transposeB], x), sizes, options),
              );
              tf.dispose([x, y]);
              expect(code).toContain('vec4<f16>');
              device.pushErrorScope('validation');
              const module = device.createShaderModule({ code });
              device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
              expect((await device.popErrorScope())?.message).toBeUndefined();
            }
          }
        }
        device.destroy();
      },
    );
  });
});
