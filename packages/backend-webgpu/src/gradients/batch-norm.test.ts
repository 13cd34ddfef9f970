/** The gradient of batch normalisation on WebGPU against its closed form in double precision, against ops, and what it dispatches. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from '../index.js';
import {
  counted,
  expectClose,
  randomTensor,
  randomValues,
  take,
  titleOf,
  whyNoWebgpu,
} from '../testing/setup.js';

const missing = await whyNoWebgpu();

type Inputs = readonly [
  x: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  offset: tf.Tensor,
  scale: tf.Tensor,
];

const EPSILON = 1e-3;

function normalise(
  x: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  offset: tf.Tensor,
  scale: tf.Tensor,
): tf.Tensor {
  return tf.batchNorm(x, mean, variance, offset, scale, EPSILON);
}

function inputsOf(shape: number[], statistics: number[]): Inputs {
  return [
    randomTensor(shape, 1),
    randomTensor(statistics, 2),
    tf.tidy(() => tf.add(tf.square(randomTensor(statistics, 3)), 0.2)),
    randomTensor(statistics, 4),
    randomTensor(statistics, 5),
  ];
}

/** By x, mean, variance, offset and scale. */
async function gradients(shape: number[], statistics: number[]): Promise<Float32Array[]> {
  const before = tf.memory().numTensors;
  const outputs = tf.tidy(() =>
    tf.grads((...t: tf.Tensor[]) => normalise(...(t as unknown as Inputs)))(
      [...inputsOf(shape, statistics)],
      randomTensor(shape, 6),
    ),
  );
  const values: Float32Array[] = [];
  for (const output of outputs) values.push(await take(output));
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

/** The closed form: dy·s·γ, −s·γ Σ dy, −½ s³·γ Σ dy·(x − μ), Σ dy, s Σ dy·(x − μ). */
function expected(shape: number[], features: number): number[][] {
  const size = tf.util.sizeFromShape(shape);
  const [x, mean, offsetless, scale, dy] = [
    randomValues(size, 1),
    randomValues(features, 2),
    randomValues(features, 3),
    randomValues(features, 5),
    randomValues(size, 6),
  ];
  const inverse = Array.from(offsetless, (value) => 1 / Math.sqrt(value * value + 0.2 + EPSILON));
  const [sum, correlation] = [new Array<number>(features).fill(0), new Array<number>(features).fill(0)];
  dy.forEach((slope, i) => {
    sum[i % features]! += slope;
    correlation[i % features]! += slope * (x[i]! - mean[i % features]!);
  });
  return [
    Array.from(dy, (slope, i) => slope * inverse[i % features]! * scale[i % features]!),
    sum.map((value, f) => -value * inverse[f]! * scale[f]!),
    correlation.map((value, f) => -0.5 * value * scale[f]! * inverse[f]! ** 3),
    sum,
    correlation.map((value, f) => value * inverse[f]!),
  ];
}

describe.skipIf(missing !== undefined)(`gradient of batch normalisation${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });
  afterEach(() => installTrainingKernels());

  // Several pieces of rows, features in one workgroup and in several, one of each.
  test.each([
    [[4, 5, 7, 3], 3],
    [[70, 40], 40],
    [[1, 5], 5],
    [[9, 1], 1],
  ])('is its closed form for x [%s], the same bits every time', async (shape, features) => {
    const own = await gradients(shape, [features]);
    expected(shape, features).forEach((values, i) => expectClose(own[i]!, values, 1e-5));
    expect(await gradients(shape, [features])).toEqual(own);
  });

  test('is the stock gradient for statistics of other shapes', async () => {
    const [shape, statistics] = [
      [3, 2, 4],
      [3, 2, 4],
    ];
    const own = await gradients(shape, statistics);
    removeTrainingKernels();
    const stock = await gradients(shape, statistics);
    own.forEach((values, i) => expectClose(values, stock[i]!, 1e-5));
  });

  test('is zero for no rows', async () => {
    const own = await gradients([0, 4], [4]);
    expect(own.map((values) => Array.from(values, Math.abs))).toEqual([
      [],
      ...Array.from({ length: 4 }, () => [0, 0, 0, 0]),
    ]);
  });

  test('can be differentiated again', async () => {
    // d/dx of Σ w·dL/dx with L = Σ y²/2: y = x·g + b, so dL/dx = y·g and its derivative by x is w·g².
    const gain = 2 / Math.sqrt(1 + EPSILON);
    const values = await take(
      tf.tidy(() => {
        const [zeros, ones] = [tf.zeros<tf.Rank.R1>([3]), tf.ones<tf.Rank.R1>([3])];
        const first = tf.grad((x: tf.Tensor) =>
          tf.mul(tf.sum(tf.square(normalise(x, zeros, ones, ones, tf.mul(ones, 2)))), 0.5),
        );
        return tf.grad((x: tf.Tensor) => tf.sum(tf.mul(first(x), randomTensor([4, 3], 8))))(
          randomTensor([4, 3], 7),
        );
      }),
    );
    expectClose(
      values,
      Array.from(randomValues(12, 8), (w) => w * gain ** 2),
      1e-5,
    );
  });

  test('takes two dispatches and tiles nothing', async () => {
    const shape = [2, 3, 3, 4];
    /** The kernels of the backward pass, after the upload of everything. */
    const run = async (): Promise<{ dispatches: number; tiles: number }> => {
      const inputs = tf.tidy(() => inputsOf(shape, [4]).map((t) => tf.add(t, 0)));
      const dy = tf.tidy(() => tf.add(randomTensor(shape, 6), 0));
      let names: string[] = [];
      const { dispatches } = await counted(async () => {
        const profile = await tf.profile(() => {
          tf.dispose(tf.grads((...t: tf.Tensor[]) => normalise(...(t as unknown as Inputs)))(inputs, dy));
        });
        names = profile.kernelNames;
      });
      const { dispatches: forward } = await counted(() =>
        normalise(...(inputs as unknown as Inputs)).dispose(),
      );
      tf.dispose([inputs, dy]);
      return { dispatches: dispatches - forward, tiles: names.includes(tf.Tile) ? 1 : 0 };
    };
    expect(await run()).toEqual({ dispatches: 2, tiles: 0 });
    removeTrainingKernels();
    const stock = await run();
    expect(stock.tiles).toBe(1);
    expect(stock.dispatches).toBeGreaterThan(15);
  });

  test('leaves the gradient of other backends alone, and goes with the kernels', () => {
    const own = tf.getGradient(tf.FusedBatchNorm);
    removeTrainingKernels();
    const stock = tf.getGradient(tf.FusedBatchNorm);
    expect(stock).not.toBe(own);
    installTrainingKernels();
    // Another package's, registered later, is not taken out.
    const other: tf.GradConfig = { ...stock };
    tf.registerGradient(other);
    removeTrainingKernels();
    expect(tf.getGradient(tf.FusedBatchNorm)).toBe(other);
    tf.registerGradient(stock);
  });
});
