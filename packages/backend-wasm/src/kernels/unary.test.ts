/** Element-wise functions against float64 over lengths on both sides of a vector, magnitudes from 2⁻⁴⁰ to 10², and special values. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { describeBuilds, nativeBuilds } from '../testing/builds.js';
import { chooseNativeBuild } from '../native/module.js';
import { installTrainingKernels, removeTrainingKernels } from '../install.js';
import { evaluate, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

interface Case {
  readonly name: string;
  readonly compute: (x: tf.Tensor) => tf.Tensor;
  /** In float64; special values as IEEE 754 and JavaScript have them. */
  readonly reference: (x: number) => number;
  /** Takes a value from anywhere into the domain. */
  readonly domain?: (x: number) => number;
}

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

const cases: Case[] = [
  { name: 'exp', compute: tf.exp, reference: Math.exp },
  { name: 'expm1', compute: tf.expm1, reference: Math.expm1 },
  { name: 'log', compute: tf.log, reference: Math.log, domain: Math.abs },
  { name: 'log1p', compute: tf.log1p, reference: Math.log1p, domain: (x) => (x < -1 ? -1 / x - 1 : x) },
  { name: 'tanh', compute: tf.tanh, reference: Math.tanh },
  {
    name: 'softplus',
    compute: tf.softplus,
    reference: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  },
  { name: 'sqrt', compute: tf.sqrt, reference: Math.sqrt, domain: Math.abs },
  { name: 'rsqrt', compute: tf.rsqrt, reference: (x) => 1 / Math.sqrt(x), domain: Math.abs },
  { name: 'sign', compute: tf.sign, reference: (x) => (Number.isNaN(x) ? 0 : Math.sign(x)) },
  { name: 'leakyRelu', compute: (x) => tf.leakyRelu(x, 0.25), reference: (x) => (x < 0 ? 0.25 * x : x) },
  { name: 'clipByValue', compute: (x) => tf.clipByValue(x, -1.5, 2), reference: (x) => clamp(x, -1.5, 2) },
  // Of two zeros relu gives the one it was given.
  { name: 'relu', compute: tf.relu, reference: (x) => (x === 0 ? x : Math.max(x, 0)) },
  { name: 'elu', compute: tf.elu, reference: (x) => (x >= 0 ? x : Math.expm1(x)) },
  { name: 'sigmoid', compute: tf.sigmoid, reference: (x) => 1 / (1 + Math.exp(-x)) },
  { name: 'relu6', compute: tf.relu6, reference: (x) => clamp(x, 0, 6) },
];

const specials = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  2 ** -149,
  -(2 ** -149),
  1e-40,
  -1e-40,
  2 ** -126,
  3e38,
  -3e38,
  88.72,
  88.73,
  89,
  -87.5,
  -90,
  -103,
  -103.9,
  -104.5,
  1e-20,
  -1e-20,
  16.7,
  -17,
  0.41421357,
  -0.8813736,
].map(Math.fround);

/** Units in the last place of float32 between `actual` and `expected`. */
function distance(actual: number, expected: number): number {
  const rounded = Math.fround(expected);
  if (Object.is(actual, rounded) || (actual === 0 && rounded === 0)) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(rounded)) return Infinity;
  const ulp = Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(expected))) - 23));
  return Math.abs(actual - expected) / ulp;
}

function expectWithin(
  x: ArrayLike<number>,
  actual: number[],
  reference: (x: number) => number,
  ulps: number,
): void {
  expect(actual.length).toBe(x.length);
  actual.forEach((value, i) => {
    const off = distance(value, reference(x[i]!));
    if (off > ulps)
      expect.fail(
        `f(${x[i]!}) is ${value}; expected ${reference(x[i]!)} within ${ulps} units, off by ${off}`,
      );
  });
}

describeBuilds('functions of one tensor', nativeBuilds, () => {
  for (const { name, compute, reference, domain = (x: number) => x } of cases) {
    it(`${name} agrees with float64, leaks nothing and gives the same bits again`, () => {
      for (const length of [0, 1, 2, 3, 4, 5, 17, 2003]) {
        const x = randomValues(length, length).map((value, i) =>
          Math.fround(domain(value * [1, 100, 2 ** -(i % 40)][i % 3]!)),
        );
        const { shape, values } = evaluate(() => compute(tf.tensor1d(x)));
        expect(shape).toEqual([length]);
        expectWithin(x, values, reference, 3);
        expect(evaluate(() => compute(tf.tensor1d(x))).values).toEqual(values);
      }
    });
  }
});

describeBuilds('special values', nativeBuilds, () => {
  for (const { name, compute, reference } of cases) {
    it(`${name} of NaN, infinities, zeros, subnormals and the ends of the range`, () => {
      expectWithin(specials, evaluate(() => compute(tf.tensor1d(specials))).values, reference, 3);
      // The same in every lane of a vector and in the rest after it.
      const spread = specials.flatMap((value) => [value, 1, 1, 1, 1]);
      expectWithin(spread, evaluate(() => compute(tf.tensor1d(spread))).values, reference, 3);
    });
  }

  it('−0 keeps its sign where the function is odd', () => {
    for (const f of [tf.expm1, tf.log1p, tf.tanh, tf.sqrt, tf.sign]) {
      expect(evaluate(() => f(tf.tensor1d([-0, -0, -0, -0, -0]))).values).toEqual([-0, -0, -0, -0, -0]);
    }
  });

  it('leaves int32 to the stock kernel', () => {
    expect(evaluate(() => tf.sign(tf.tensor1d([-3, 0, 4], 'int32'))).values).toEqual([-1, 0, 1]);
    expect(evaluate(() => tf.exp(tf.tensor1d([0, 1], 'int32'))).values[1]).toBeCloseTo(Math.E, 5);
  });

  it('keeps its gradients: d tanh = 1 − tanh², d softplus = sigmoid', () => {
    const x = randomValues(37, 5);
    const tanh = evaluate(() => tf.grad((t: tf.Tensor) => tf.tanh(t))(tf.tensor1d(x))).values;
    const softplus = evaluate(() => tf.grad((t: tf.Tensor) => tf.softplus(t))(tf.tensor1d(x))).values;
    x.forEach((value, i) => {
      expect(tanh[i]).toBeCloseTo(1 - Math.tanh(value) ** 2, 5);
      expect(softplus[i]).toBeCloseTo(1 / (1 + Math.exp(-value)), 5);
    });
  });
});

it('without our module the stock kernels run', () => {
  const x = randomValues(37, 6);
  const results = (): number[][] =>
    cases.map(({ compute }) => evaluate(() => compute(tf.tensor1d(x))).values);
  chooseNativeBuild('off');
  const off = results();
  removeTrainingKernels();
  expect(off).toEqual(results());
  installTrainingKernels();
  chooseNativeBuild('auto');
});
