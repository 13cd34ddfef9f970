/** The seam to an engine's fused kernels: what a kernel is given, what is made of its outputs, and when plain ops run in its place. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import './index.js';
import { leaked, testVariable, uniformTensor, values } from '../test/numeric.js';
import type { EngineKernelName } from './engine-kernels.js';
import { hasEngineKernel, runEngineKernel } from './engine-kernels.js';
import { createObjective } from './objective.js';
import { RuleOptimizer } from './rule-optimizer.js';
import { adamw } from './rules/adam.js';
import { momentum } from './rules/momentum.js';
import { rmsprop } from './rules/rmsprop.js';
import { sgd } from './rules/sgd.js';
import { innerProduct } from './tensor-map.js';
import type { DirectionInput, TensorMap, UpdateRule } from './update-rule.js';
import { automaticVjp, contract } from './vjp.js';

interface Call {
  readonly inputs: Record<string, tf.Tensor>;
  readonly attrs: Record<string, unknown>;
}

const replaced = new Map<string, tf.KernelConfig | undefined>();

/** Puts a kernel of this name, or none, in the place of the engine's until the test is over; `calls` sees what it is given. */
function replaceKernel(kernelName: EngineKernelName, fake?: (call: Call) => tf.Tensor[]): Call[] {
  const backendName = tf.getBackend();
  const own = tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined;
  if (!replaced.has(kernelName)) replaced.set(kernelName, own);
  if (own) tf.unregisterKernel(kernelName, backendName);
  const calls: Call[] = [];
  if (fake) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: (params) => {
        const call = params as unknown as Call;
        calls.push(call);
        return fake(call);
      },
    });
  }
  return calls;
}

afterEach(() => {
  for (const [name, own] of replaced) {
    const backendName = tf.getBackend();
    if (tf.getKernel(name, backendName) as tf.KernelConfig | undefined)
      tf.unregisterKernel(name, backendName);
    if (own) tf.registerKernel(own);
  }
  replaced.clear();
});

describe('runEngineKernel', () => {
  const roles = (): Record<string, TensorMap> => ({
    a: { x: tf.tensor1d([1, 2]), y: tf.scalar(3) },
    b: { y: tf.scalar(4), x: tf.tensor1d([5, 6]) },
  });

  it('numbers the tensors of each role in the order of the first', () => {
    tf.tidy(() => {
      const calls = replaceKernel('ApoInnerProduct', () => [tf.tensor1d([7])]);
      const single = { rates: tf.scalar(8) };
      const output = runEngineKernel('ApoInnerProduct', {
        roles: roles(),
        single,
        attributes: { groups: 1 },
      });
      expect(values(output![0]!)).toEqual([7]);
      const [{ inputs, attrs }] = calls as [Call];
      expect(attrs).toEqual({ groups: 1, count: 2 });
      expect(Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, values(t)]))).toEqual({
        rates: [8],
        a0: [1, 2],
        a1: [3],
        b0: [5, 6],
        b1: [4],
      });
    });
  });

  it('leaves it to plain ops without a kernel, without tensors, and for other types and shapes', () => {
    tf.tidy(() => {
      const run = (given: Record<string, TensorMap>): tf.Tensor[] | undefined =>
        runEngineKernel('ApoInnerProduct', { roles: given, attributes: { groups: 1 } });
      replaceKernel('ApoInnerProduct');
      expect(run(roles())).toBeUndefined();
      const calls = replaceKernel('ApoInnerProduct', () => [tf.tensor1d([7])]);
      expect(run({ a: {}, b: {} })).toBeUndefined();
      expect(run({ a: { x: tf.scalar(1, 'int32') }, b: { x: tf.scalar(1) } })).toBeUndefined();
      expect(run({ a: { x: tf.scalar(1) }, b: { x: tf.tensor1d([1]) } })).toBeUndefined();
      expect(run({ a: { x: tf.scalar(1) }, b: {} })).toBeUndefined();
      expect(calls).toHaveLength(0);
      expect(
        values(innerProduct({ x: tf.tensor1d([2], 'int32') }, { x: tf.tensor1d([3], 'int32') })),
      ).toEqual([6]);
    });
  });

  it('leaves it to plain ops when the kernel gives no tensor', () => {
    tf.tidy(() => {
      const calls = replaceKernel('ApoInnerProduct', () => []);
      expect(
        runEngineKernel('ApoInnerProduct', { roles: roles(), attributes: { groups: 1 } }),
      ).toBeUndefined();
      expect(calls).toHaveLength(1);
      expect(values(innerProduct({ x: tf.tensor1d([2, 3]) }, { x: tf.tensor1d([5, 7]) }))).toEqual([31]);
    });
  });

  it('is there or not, and not while a gradient is recorded', () => {
    replaceKernel('ApoLowRankUpdate');
    expect(hasEngineKernel('ApoLowRankUpdate')).toBe(false);
    replaceKernel('ApoLowRankUpdate', () => []);
    expect(hasEngineKernel('ApoLowRankUpdate')).toBe(true);
    tf.tidy(() => {
      const seen: boolean[] = [];
      tf.grad((x: tf.Tensor) => {
        seen.push(hasEngineKernel('ApoLowRankUpdate'));
        return tf.square(x);
      })(tf.scalar(1));
      expect(seen).toEqual([false]);
    });
  });

  it('leaves it to plain ops while a gradient is recorded, so that a rule stays differentiable', () => {
    tf.tidy(() => {
      const rule = sgd({ groups: 'variable' });
      const variables = { x: uniformTensor([3], 1), y: uniformTensor([2, 2], 2) };
      const input = {
        variables,
        phi: { logLearningRate: tf.tensor1d([-1, -2]) },
        direction: { x: uniformTensor([3], 3), y: uniformTensor([2, 2], 4) },
        cotangent: { x: uniformTensor([3], 5), y: uniformTensor([2, 2], 6) },
      };
      const expected = values(contract(rule, input)['logLearningRate']!);
      const calls = replaceKernel('ApoScaledSubtract', () => [tf.zeros([3]), tf.zeros([2, 2])]);
      const automatic = values(automaticVjp(rule, input)['logLearningRate']!);
      automatic.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
      expect(calls).toHaveLength(0);
      rule.apply(variables, input.phi, input.direction);
      expect(calls).toHaveLength(1);
      expect(calls[0]!.attrs['places']).toEqual([0, 1]);
    });
  });
});

const rules: [string, () => UpdateRule][] = [
  ['sgd', () => sgd({ learningRate: 0.1 })],
  ['Nesterov', () => momentum({ nesterov: true, groups: 'variable' })],
  ['rmsprop', () => rmsprop({ momentum: 0.9, centered: true, groups: 'variable' })],
  ['adamw', () => adamw({ learningRate: 0.1, groups: { x: /^x$/ } })],
];

/** A state that is not zero, of a rule whose slots hold squares among others. */
function inputOf(rule: UpdateRule): DirectionInput {
  const of = (seed: number): TensorMap => ({
    x: uniformTensor([5], seed),
    y: uniformTensor([2, 3], seed + 1),
  });
  const names = Object.keys(rule.initialState([]));
  const state = Object.fromEntries(
    names.map((slot, i) => {
      const map = of(20 + 2 * i);
      const large = slot === 'meanSquare' || slot === 'secondMoment';
      return [slot, large ? { x: tf.add(tf.square(map['x']!), 1), y: tf.add(tf.square(map['y']!), 1) } : map];
    }),
  );
  return { variables: of(1), gradients: of(10), state, step: 3 };
}

describe.each(rules)('%s', (_, make) => {
  it('gives by update what it gives by direction and apply, with and without kernels', () => {
    tf.tidy(() => {
      const rule = make();
      const input = inputOf(rule);
      const phi = { logLearningRate: tf.tensor1d([-1, -2]) };
      const scaledPhi = { logLearningRate: tf.add(phi.logLearningRate, Math.log(0.25)) };
      const update = rule.update!(input, phi, 0.25)!;
      for (const name of ['ApoMomentum', 'ApoRmsprop', 'ApoAdam', 'ApoScaledSubtract'] as const) {
        replaceKernel(name);
      }
      const { direction, state } = rule.direction(input);
      const expected = { theta: rule.apply(input.variables, scaledPhi, direction), ...state };
      const plain = rule.update!(input, phi, 0.25)!;
      for (const { variables, state: next } of [update, plain]) {
        for (const [slot, map] of Object.entries({ theta: variables, ...next })) {
          for (const name of ['x', 'y']) {
            const wanted = values(expected[slot as keyof typeof expected][name]!);
            values(map[name]!).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
          }
        }
      }
    });
  });

  it('leaves nothing behind', async () => {
    const rule = make();
    expect(
      await leaked(() =>
        tf.tidy(() => {
          rule.update!(inputOf(rule), { logLearningRate: tf.tensor1d([-1, -2]) }, 1);
        }),
      ),
    ).toBe(0);
  });

  it('does not bypass a part that a rule made from it has replaced', () => {
    tf.tidy(() => {
      const rule = make();
      const changed: UpdateRule = { ...rule, apply: (variables) => variables };
      expect(changed.update!(inputOf(rule), { logLearningRate: tf.tensor1d([0, 0]) }, 1)).toBeUndefined();
    });
  });
});

it('an optimizer takes θ′ and the state from one call of the kernel', () => {
  const [x, y] = [testVariable(tf.tensor1d([1, 2]), 'x'), testVariable(tf.scalar(3), 'y')];
  const objective = createObjective<null>({
    variables: [x, y],
    predict: () => tf.mul(x, y),
    loss: (output) => tf.sum(output as tf.Tensor),
  });
  const optimizer = new RuleOptimizer(objective, momentum({ learningRate: 0.5, momentum: 0.75 }), {
    schedule: () => 0.5,
  });
  const seen: number[][] = [];
  // The new velocities of both variables, then their new values.
  const calls = replaceKernel('ApoMomentum', ({ inputs }) => {
    seen.push(
      ['gradient0', 'gradient1', 'velocity0', 'velocity1', 'rates'].flatMap((n) => values(inputs[n]!)),
    );
    return [tf.tensor1d([10, 20]), tf.scalar(30), tf.tensor1d([4, 5]), tf.scalar(6)];
  });
  const before = tf.memory().numTensors;
  optimizer.step(null);
  expect(tf.memory().numTensors).toBe(before);
  expect(calls[0]!.attrs).toEqual({
    momentum: 0.75,
    nesterov: false,
    output: 'variables',
    places: [0, 0],
    count: 2,
  });
  expect([...values(x), ...values(y)]).toEqual([4, 5, 6]);
  optimizer.step(null);
  // The gradients of Σ x y are y for each element of x, and Σ x for y; the rate is .5 of .5.
  const expected = [
    [3, 3, 3, 0, 0, 0, 0.25],
    [6, 6, 9, 10, 20, 30, 0.25],
  ];
  expect(seen).toHaveLength(2);
  expected.flat().forEach((value, i) => expect(seen.flat()[i]).toBeCloseTo(value, 6));
  optimizer.dispose();
  tf.dispose([x, y]);
});
