/** The fused updates of @apo/core's rules against the same rules in stock ops, for every build and for the loops that stand in for a module. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { adam, adamw, momentum, rmsprop, sgd } from '@apo/core';
import type { RuleState, TensorMap, UpdateRule } from '@apo/core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { installTrainingKernels, removeTrainingKernels } from '../install.js';
import { chooseNativeBuild } from '../native/module.js';
import { expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);
afterEach(() => {
  installTrainingKernels();
  chooseNativeBuild('auto');
});

const smallShapes = [[], [1], [3], [4], [5], [37], [16, 17], [0], [33, 31]];
const groups = 'variable';
const rules: [string, UpdateRule][] = [
  ['sgd', sgd({ learningRate: 0.1, groups })],
  ['momentum', momentum({ learningRate: 0.1, groups })],
  ['Nesterov', momentum({ learningRate: 0.1, nesterov: true, groups })],
  ['rmsprop', rmsprop({ learningRate: 0.01, groups })],
  ['rmsprop, bias-corrected', rmsprop({ learningRate: 0.01, biasCorrection: true, groups })],
  ['rmsprop with momentum', rmsprop({ learningRate: 0.01, momentum: 0.9, groups })],
  ['rmsprop, centred', rmsprop({ learningRate: 0.01, centered: true, decay: 0.9, groups })],
  // Not with bias correction: the first running variance is then 0 but for rounding, of which the root is taken.
  ['rmsprop, centred, with momentum', rmsprop({ centered: true, momentum: 0.5, decay: 0.9, groups })],
  ['adam', adam({ learningRate: 0.01, groups })],
  ['adamw', adamw({ learningRate: 0.01, weightDecay: 0.1, groups })],
];

/** RMSprop's first directions are 1/√(1 − α) = 10 long, so four steps of a few roundings each leave up to 10⁻⁵. */
const TOLERANCE = 1e-5;

/** θ, gradients of `steps` steps, and a learning rate of its own for each variable; all values seeded. */
function problem(
  steps: number,
  shapes: number[][],
): { variables: tf.Variable[]; gradients: TensorMap[]; phi: tf.Tensor } {
  const make = (seed: number): tf.Tensor[] =>
    shapes.map((shape, i) => tf.tensor(randomValues(tf.util.sizeFromShape(shape), seed + i), shape));
  const variables = make(1000).map((value, i) => {
    const variable = tf.variable(value, true, `w${i}`);
    value.dispose();
    return variable;
  });
  const gradients = Array.from({ length: steps }, (_, step) =>
    Object.fromEntries(make(2000 + 100 * step).map((value, i) => [`w${i}`, value])),
  );
  return { variables, gradients, phi: tf.tensor1d(shapes.map((_, i) => -1 - 0.3 * i)) };
}

/** Values of θ and of the state after each of some steps of `rule`, by its `update` or by its two halves. */
function run(
  rule: UpdateRule,
  way: 'update' | 'halves',
  gradientsAre = (g: tf.Tensor): tf.Tensor => tf.clone(g),
  shapes = smallShapes,
): number[][] {
  const backend = tf.backend() as unknown as BackendWasm;
  const before = [tf.memory().numTensors, backend.numDataIds()];
  const { variables, gradients, phi } = problem(4, shapes);
  const seen: number[][] = [];
  tf.tidy(() => {
    let theta: TensorMap = Object.fromEntries(variables.map((v) => [v.name, v]));
    let state: RuleState = rule.initialState(variables);
    gradients.forEach((step, i) => {
      const own = Object.fromEntries(Object.entries(step).map(([name, g]) => [name, gradientsAre(g)]));
      const input = { variables: theta, gradients: own, state, step: i + 1 };
      const rates = { logLearningRate: phi };
      if (way === 'update') {
        const output = rule.update!(input, rates, 0.5)!;
        [theta, state] = [output.variables, output.state];
      } else {
        const output = rule.direction(input);
        // log ½ less on every learning rate is the factor ½.
        const halved = { logLearningRate: tf.add(phi, Math.log(0.5)) };
        [theta, state] = [rule.apply(theta, halved, output.direction), output.state];
      }
      const tensors = [theta, ...Object.values(state)].flatMap((map) => Object.values(map));
      seen.push(...tensors.map((tensor) => Array.from(tensor.dataSync())));
    });
  });
  tf.dispose([variables, gradients, phi]);
  expect([tf.memory().numTensors, backend.numDataIds()]).toEqual(before);
  return seen;
}

describe.each(rules)('%s', (_, rule) => {
  it('agrees with stock ops in every build, at once and in two halves', () => {
    removeTrainingKernels();
    const expected = run(rule, 'halves');
    installTrainingKernels();
    for (const build of ['relaxed', 'simd', 'off'] as const) {
      chooseNativeBuild(build);
      for (const way of ['update', 'halves'] as const) {
        run(rule, way).forEach((values, i) => expectClose(values, expected[i]!, TOLERANCE));
      }
    }
  });

  it('agrees with them on a tensor that is split over threads', () => {
    const long = [[100_003]];
    removeTrainingKernels();
    const expected = run(rule, 'halves', tf.clone, long).flat();
    installTrainingKernels();
    for (const way of ['update', 'halves'] as const) {
      expectClose(run(rule, way, tf.clone, long).flat(), expected, TOLERANCE);
    }
  });

  it('gives the same bits every time', () => {
    for (const build of ['relaxed', 'simd', 'off'] as const) {
      chooseNativeBuild(build);
      expect(run(rule, 'update')).toEqual(run(rule, 'update'));
    }
  });

  it('is finite where stock ops are when a gradient is not, and right there', () => {
    // Two infinite elements and one NaN, in the vectors and in the last block.
    const poison = (g: tf.Tensor): tf.Tensor => {
      const values = g.dataSync<'float32'>();
      for (const [at, value] of [
        [0, Infinity],
        [2, NaN],
        [values.length - 1, -Infinity],
      ] as const) {
        if (at >= 0 && at < values.length) values[at] = value;
      }
      return tf.tensor(values, g.shape);
    };
    removeTrainingKernels();
    const expected = run(rule, 'halves', poison);
    installTrainingKernels();
    for (const build of ['relaxed', 'simd', 'off'] as const) {
      chooseNativeBuild(build);
      run(rule, 'update', poison).forEach((values, i) => {
        const finite = expected[i]!.map(Number.isFinite);
        expect(values.map(Number.isFinite)).toEqual(finite);
        const kept = (all: number[]): number[] => all.filter((_value, j) => finite[j]);
        expectClose(kept(values), kept(expected[i]!), TOLERANCE);
      });
    }
  });

  it('writes to no tensor that it was given, even where they share data', () => {
    tf.tidy(() => {
      const shared = tf.tensor1d(randomValues(40, 1));
      const before = Array.from(shared.dataSync());
      const variables = [tf.variable(shared, true)];
      const name = variables[0]!.name;
      const state = Object.fromEntries(
        Object.keys(rule.initialState(variables)).map((slot) => [slot, { [name]: tf.clone(shared) }]),
      );
      const gradients = { [name]: tf.clone(shared) };
      const output = rule.update!(
        { variables: { [name]: variables[0]! }, gradients, state, step: 1 },
        { logLearningRate: tf.scalar(0) },
        1,
      )!;
      const given = new Set([shared, gradients[name]!, variables[0]!].map(({ dataId }) => dataId));
      for (const map of [output.variables, ...Object.values(output.state)]) {
        expect(given.has(map[name]!.dataId)).toBe(false);
      }
      expect(Array.from(shared.dataSync())).toEqual(before);
      variables[0]!.dispose();
    });
  });
});

describe('⟨v, d⟩', () => {
  const sizes = [0, 1, 3, 1023, 1024, 1025, 65_536, 140_001];

  it.each(['relaxed', 'simd', 'off'] as const)('is the sum in float64 over each group (%s)', (build) => {
    chooseNativeBuild(build);
    tf.tidy(() => {
      const of = (seed: number): TensorMap =>
        Object.fromEntries(sizes.map((size, i) => [`w${i}`, tf.tensor1d(randomValues(size, seed + i))]));
      const [direction, cotangent] = [of(1), of(50)];
      // Weights of even and of odd place; −η ⟨v, d⟩ with η = 1 and η = e.
      const rule = sgd({ groups: (name) => (Number(name.slice(1)) % 2 === 0 ? 'even' : 'odd') });
      const gradient = (): Float32Array =>
        rule.vjp!({
          variables: direction,
          phi: { logLearningRate: tf.tensor1d([0, 1]) },
          direction,
          cotangent,
        })['logLearningRate']!.dataSync<'float32'>();
      const expected = [0, 0];
      sizes.forEach((_, i) => {
        const [a, b] = [direction[`w${i}`]!.dataSync(), cotangent[`w${i}`]!.dataSync()];
        for (let j = 0; j < a.length; j++) expected[i % 2]! -= a[j]! * b[j]!;
      });
      expected[1]! *= Math.E;
      expectClose(gradient(), expected, 1e-5);
      expect(gradient()).toEqual(gradient());
    });
  });
});
