/** The fused updates and inner products of @apo/core's rules against the same rules in stock ops on the same device. */
import { adam, adamw, momentum, rmsprop, runEngineKernel, sgd } from '@apo/core';
import type { RuleState, TensorMap, UpdateRule } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { installTrainingKernels, removeTrainingKernels, webgpuBackend } from '../index.js';
import { dropKernels } from '../install.js';
import { backend, expectClose, randomValues, titleOf, whyNoWebgpu } from '../testing/setup.js';

const missing = await whyNoWebgpu();

/** Scalars, one workgroup and less, several, and more variables than fit into one dispatch. */
const SHAPES = [[], [1], [3], [257], [16, 17], [33, 31], [2], [256]];
const groups = 'variable';
const rules: [string, UpdateRule][] = [
  ['sgd', sgd({ learningRate: 0.1, groups })],
  ['momentum', momentum({ learningRate: 0.1, groups })],
  ['Nesterov', momentum({ learningRate: 0.1, nesterov: true, groups })],
  ['rmsprop', rmsprop({ learningRate: 0.01, groups })],
  ['rmsprop, bias-corrected', rmsprop({ learningRate: 0.01, biasCorrection: true, groups })],
  ['rmsprop with momentum', rmsprop({ learningRate: 0.01, momentum: 0.9, groups })],
  ['rmsprop, centred', rmsprop({ learningRate: 0.01, centered: true, decay: 0.9, groups })],
  ['rmsprop, centred, with momentum', rmsprop({ centered: true, momentum: 0.5, decay: 0.9, groups })],
  ['adam', adam({ learningRate: 0.01, groups })],
  ['adamw', adamw({ learningRate: 0.01, weightDecay: 0.1, groups })],
];

/** RMSprop's first directions are 1/√(1 − α) = 10 long, so three steps of a few roundings each leave up to 10⁻⁵. */
const TOLERANCE = 1e-5;

/** Values of θ and of the state after some steps, in one list. */
async function run(
  rule: UpdateRule,
  way: 'update' | 'halves',
  steps = 3,
  shapes = SHAPES,
): Promise<number[]> {
  const before = [tf.memory().numTensors, backend().numDataIds()];
  const tensorsOf = (seed: number): TensorMap =>
    Object.fromEntries(
      shapes.map((shape, i) => [
        `w${i}`,
        tf.tensor(randomValues(tf.util.sizeFromShape(shape), seed + i), shape),
      ]),
    );
  const last = tf.tidy(() => {
    let theta = tensorsOf(1000);
    const variables = Object.entries(theta).map(
      ([name, { shape }]) => ({ name, shape }) as unknown as tf.Variable,
    );
    let state: RuleState = rule.initialState(variables);
    const phi = { logLearningRate: tf.tensor1d(shapes.map((_, i) => -1 - 0.3 * i)) };
    const halved = { logLearningRate: tf.add(phi.logLearningRate, Math.log(0.5)) };
    for (let step = 1; step <= steps; step++) {
      const input = { variables: theta, gradients: tensorsOf(2000 + 100 * step), state, step };
      if (way === 'update') {
        const output = rule.update!(input, phi, 0.5)!;
        [theta, state] = [output.variables, output.state];
      } else {
        const output = rule.direction(input);
        [theta, state] = [rule.apply(theta, halved, output.direction), output.state];
      }
    }
    return [theta, ...Object.values(state)].flatMap((map) => Object.values(map));
  });
  const values: number[] = [];
  for (const tensor of last) values.push(...(await tensor.data()));
  tf.dispose(last);
  expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
  return values;
}

/** Runs `body` as if the device had these limits. */
function withLimits<T>(limits: Partial<Record<keyof GPUSupportedLimits, number>>, body: () => T): T {
  const { device } = backend();
  backend().device = new Proxy(device, {
    get(target, name: keyof GPUDevice) {
      if (name === 'limits') return { maxStorageBuffersPerShaderStage: 8, ...limits };
      const value: unknown = target[name];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  try {
    return body();
  } finally {
    backend().device = device;
  }
}

describe.skipIf(missing !== undefined)(`fused kernels${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });
  afterEach(() => installTrainingKernels());

  test.each(rules)(
    '%s agrees with stock ops, at once and in two halves, with the same bits every time',
    async (_, rule) => {
      removeTrainingKernels();
      const expected = await run(rule, 'halves');
      installTrainingKernels();
      const update = await run(rule, 'update');
      expectClose(update, expected, TOLERANCE);
      expectClose(await run(rule, 'halves'), expected, TOLERANCE);
      expect(await run(rule, 'update')).toEqual(update);
    },
  );

  test.each([
    [11, 'two'],
    [40, 'three'],
  ])('%i workgroups where a side of the grid has four: %s sides', async (workgroups) => {
    const size = 256 * workgroups - 3;
    const output = tf.tidy(() => {
      const roles = { variable: { w: tf.fill([size], 10) }, direction: { w: tf.range(0, size) } };
      const single = { rates: tf.tensor1d([0.5]) };
      return withLimits(
        { maxComputeWorkgroupsPerDimension: 4 },
        () => runEngineKernel('ApoScaledSubtract', { roles, single, attributes: { places: [0] } })![0]!,
      );
    });
    const values = await output.data();
    output.dispose();
    expect(Array.from(values)).toEqual(Array.from({ length: size }, (_, i) => 10 - 0.5 * i));
  });

  test('leaves it to stock ops where a tensor has no element or the device too few buffers', () => {
    tf.tidy(() => {
      const call = (shape: number[]): tf.Tensor[] | undefined =>
        runEngineKernel('ApoAdam', {
          roles: Object.fromEntries(
            ['gradient', 'firstMoment', 'secondMoment'].map((role) => [role, { w: tf.zeros(shape) }]),
          ),
          attributes: {
            output: 'none',
            places: [],
            beta1: 0.9,
            beta2: 0.99,
            rootScale: 1,
            epsilon: 1,
            weightDecay: 0,
          },
        });
      expect(call([0])).toBeUndefined();
      expect(call([3])).toHaveLength(2);
      withLimits({ maxStorageBuffersPerShaderStage: 4 }, () => expect(call([3])).toBeUndefined());
    });
  });

  describe('inner products', () => {
    // On a software renderer plain ops are faster, and the kernel is left out.
    beforeAll(() => {
      removeTrainingKernels();
      dropKernels([]);
      installTrainingKernels();
    });
    afterAll(() => {
      removeTrainingKernels();
      dropKernels(undefined);
      installTrainingKernels();
    });

    /** ⟨a, b⟩, or ⟨a, b − c⟩ where there is a seed of c. */
    const product = async (
      sizes: number[],
      places: number[],
      groupCount: number,
      subtrahend?: number,
    ): Promise<Float32Array> => {
      const before = [tf.memory().numTensors, backend().numDataIds()];
      const map = (seed: number): TensorMap =>
        Object.fromEntries(sizes.map((size, i) => [`w${i}`, tf.tensor1d(randomValues(size, seed + i))]));
      const output = tf.tidy(
        () =>
          runEngineKernel('ApoInnerProduct', {
            roles: {
              a: map(1),
              b: map(50),
              ...(subtrahend !== undefined && { subtrahend: map(subtrahend) }),
            },
            attributes: { groups: groupCount, places },
          })![0]!,
      );
      const values = await output.data<'float32'>();
      output.dispose();
      expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
      return values;
    };

    test('are the sums over the tensors of each group, in double precision rounded', async () => {
      const sizes = [1, 5000, 0, 300, 4096, 4097, 2, 3, 9000, 12];
      const places = [0, 1, 1, 2, 0, 3, 3, 1, 2, 0];
      const expected = new Float64Array(5);
      sizes.forEach((size, i) => {
        const [a, b] = [randomValues(size, 1 + i), randomValues(size, 50 + i)];
        a.forEach((value, j) => (expected[places[i]!]! += value * b[j]!));
      });
      const values = await product(sizes, places, 5);
      expectClose(values, expected, 1e-5);
      expect(await product(sizes, places, 5)).toEqual(values);
    });

    test('with a difference are the sums of it, and exactly zero where there is none', async () => {
      const sizes = [1, 5000, 0, 300, 4096, 4097, 2, 3, 9000, 12];
      const places = [0, 1, 1, 2, 0, 3, 3, 1, 2, 0];
      const expected = new Float64Array(5);
      sizes.forEach((size, i) => {
        const [a, b, c] = [1, 50, 90].map((seed) => randomValues(size, seed + i));
        a!.forEach((value, j) => (expected[places[i]!]! += value * (b![j]! - c![j]!)));
      });
      expectClose(await product(sizes, places, 5, 90), expected, 1e-5);
      expect(await product(sizes, places, 5, 50)).toEqual(new Float32Array(5));
    });
  });
});
