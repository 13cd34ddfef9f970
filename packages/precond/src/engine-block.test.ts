/** Blocks handed to an engine's kernels: what these are given, and that steps and derivatives are the same as by plain operators. */
import * as tf from '@tensorflow/tfjs-core';
import { LOG_LEARNING_RATE } from '@apo/core';
import type { EngineKernelName, TensorMap, UpdateRule } from '@apo/core';
import { afterEach, describe, expect, it } from 'vitest';
import { disturbed, expectClose, freshPrefix, normalTensor, testVariable, values } from '../test/tensors.js';
import { precondition } from './precondition.js';
import type { PreconditionOptions } from './precondition.js';

type Inputs = Record<string, tf.Tensor | undefined>;

const lowRankNames = [
  'ApoLowRankUpdate',
  'ApoLowRankGradient',
] as const satisfies readonly EngineKernelName[];
const wholeNames = [
  'ApoKroneckerUpdate',
  'ApoKroneckerGradient',
] as const satisfies readonly EngineKernelName[];
const names = [...lowRankNames, ...wholeNames] as const;

const own = new Map<string, tf.KernelConfig>();

/** Takes the engine's own kernels, if it has any, out of the registry until the test is over: plain operators run. */
function withoutKernels(): void {
  for (const name of names) {
    const kernel = tf.getKernel(name, tf.getBackend()) as tf.KernelConfig | undefined;
    if (kernel === undefined) continue;
    if (!own.has(name)) own.set(name, kernel);
    tf.unregisterKernel(name, tf.getBackend());
  }
}

/** The kernels as core describes them, with A and B as whole matrices; `calls` sees their inputs. */
function offerKernels(
  answer: typeof update | (() => tf.Tensor[]),
  offered: readonly (typeof names)[number][] = lowRankNames,
): Inputs[] {
  const calls: Inputs[] = [];
  withoutKernels();
  for (const kernelName of offered) {
    tf.registerKernel({
      kernelName,
      backendName: tf.getBackend(),
      kernelFunc: (params) => {
        const { inputs, attrs } = params as unknown as { inputs: Inputs; attrs: { place: number } };
        calls.push(inputs);
        return answer(kernelName, inputs, attrs.place);
      },
    });
  }
  return calls;
}

afterEach(() => {
  withoutKernels();
  for (const kernel of own.values()) tf.registerKernel(kernel);
});

/** The tensors of a role as one matrix `[m, n]`. */
function matrixOf(inputs: Inputs, role: string): tf.Tensor2D {
  const n = inputs['scale']!.shape[1]!;
  const parts = [inputs[`${role}0`]!, ...(inputs[`${role}1`] ? [inputs[`${role}1`]!] : [])];
  return tf.concat(parts.map((part): tf.Tensor2D => tf.reshape(part, [-1, n])));
}

function whole(size: number, u: tf.Tensor | undefined, v: tf.Tensor | undefined): tf.Tensor2D {
  return u && v
    ? tf.add(tf.eye(size), tf.matMul(u as tf.Tensor2D, v as tf.Tensor2D, false, true))
    : tf.eye(size);
}

function update(kernelName: (typeof names)[number], inputs: Inputs, place: number): tf.Tensor[] {
  const g = matrixOf(inputs, 'gradient');
  const [m, n] = g.shape;
  const a = (inputs['columns'] as tf.Tensor2D | undefined) ?? whole(n, inputs['columnU'], inputs['columnV']);
  const b = (inputs['rows'] as tf.Tensor2D | undefined) ?? whole(m, inputs['rowU'], inputs['rowV']);
  const s = inputs['scale'] as tf.Tensor2D;
  const eta = inputs['rates']!.dataSync()[place]!;
  const rotate = (x: tf.Tensor2D): tf.Tensor2D => tf.matMul(tf.matMul(b, x, true), a);
  const r = rotate(g);
  const t: tf.Tensor2D = tf.mul(tf.square(s), r);
  if (kernelName === 'ApoLowRankUpdate' || kernelName === 'ApoKroneckerUpdate') {
    const u = tf.matMul(tf.matMul(b, t), a, false, true);
    const decay = inputs['decay']?.dataSync()[0] ?? 0;
    const theta = inputs['variable0'] ? matrixOf(inputs, 'variable') : undefined;
    const next = theta ? tf.sub(tf.mul(theta, 1 - eta * decay), tf.mul(u, eta)) : u;
    const given = ['gradient0', 'gradient1'].flatMap((name) => inputs[name] ?? []);
    const rows = given.length === 1 ? [m] : [m - 1, 1];
    return tf.split(next, rows).map((part, i) => tf.reshape(part, given[i]!.shape));
  }
  // Eq. 10 with c = η, and ∂/∂U = (∂/∂F) V, ∂/∂V = (∂/∂F)ᵀ U.
  const v = matrixOf(inputs, 'cotangent');
  const q = rotate(v);
  const scaledQ: tf.Tensor2D = tf.mul(tf.square(s), q);
  const byA = tf.add(tf.matMul(v, tf.matMul(b, t), true), tf.matMul(g, tf.matMul(b, scaledQ), true));
  const byB = tf.add(
    tf.matMul(tf.matMul(v, a), t, false, true),
    tf.matMul(tf.matMul(g, a), scaledQ, false, true),
  );
  const sides = [
    { by: byA, whole: inputs['columns'], u: inputs['columnU'], v: inputs['columnV'] },
    { by: byB, whole: inputs['rows'], u: inputs['rowU'], v: inputs['rowV'] },
  ].flatMap((side) =>
    side.whole
      ? [side.by]
      : side.u && side.v
        ? [
            tf.matMul(side.by as tf.Tensor2D, side.v as tf.Tensor2D),
            tf.matMul(side.by as tf.Tensor2D, side.u as tf.Tensor2D, true),
          ]
        : [],
  );
  const gradients = [tf.mul(tf.mul(s, 2), tf.mul(r, q)), ...sides, tf.sum(tf.mul(t, q))];
  return gradients.map((gradient) => tf.mul(gradient, -eta));
}

/** Both kinds of side, a convolution, a normalisation, an embedding and a transposed convolution, whose matrix is no reshape. */
function setting(rule: UpdateRule) {
  const at = freshPrefix();
  const variables = [
    testVariable([9, 3], `${at}dense/kernel`, 1),
    testVariable([3], `${at}dense/bias`, 2),
    testVariable([2, 2, 3, 6], `${at}conv/kernel`, 3),
    testVariable([6], `${at}norm/gamma`, 5),
    testVariable([7, 3], `${at}embedding/embeddings`, 6),
    testVariable([2, 2, 3, 2], `${at}transpose/kernel`, 7),
  ];
  const map = (seed: number): TensorMap =>
    Object.fromEntries(variables.map(({ name, shape }, i) => [name, normalTensor(shape, seed + i)]));
  const start = tf.tidy(() => rule.initialPhi(variables));
  const phi = disturbed(start);
  const [gradients, cotangent] = [map(100), map(200)];
  tf.dispose(start);
  return {
    variables: Object.fromEntries(variables.map((variable) => [variable.name, variable])) as TensorMap,
    phi,
    gradients,
    cotangent,
    dispose: () => tf.dispose([variables, phi, gradients, cotangent]),
  };
}

/** θ′ by `apply` and by `update` with the factor ½, ∂Q/∂φ, and its entry log η alone. */
function everything(rule: UpdateRule, given: ReturnType<typeof setting>): Record<string, number[]> {
  const { variables, phi, gradients, cotangent } = given;
  return tf.tidy(() => {
    const input = { variables, gradients, state: {}, step: 1 };
    const { direction } = rule.direction(input);
    const contraction = { variables, phi, direction, cotangent };
    const results = {
      apply: rule.apply(variables, phi, direction),
      update: rule.update!(input, phi, 0.5)!.variables,
      vjp: rule.vjp!(contraction),
      inner: rule.vjp!({ ...contraction, only: LOG_LEARNING_RATE }),
    };
    return Object.fromEntries(
      Object.entries(results).flatMap(([what, tensors]) =>
        Object.entries(tensors).map(([name, tensor]): [string, number[]] => [
          `${what} ${name}`,
          values(tensor),
        ]),
      ),
    );
  });
}

const cases: [string, PreconditionOptions][] = [
  ['one scale', { rank: 2 }],
  ['a scale for each layer', { rank: 2, learnedScale: 'layer' }],
  ['no scale', { rank: 2, learnedScale: false }],
  ['weight decay', { rank: 2, weightDecay: 0.3 }],
  ['no factors', { form: 'diagonal' }],
  ['small whole matrices', { form: 'full' }],
];

describe.each(cases)('%s', (_, options) => {
  it('has the same steps and derivatives by kernels as by plain operators', () => {
    const rule = precondition(options);
    const given = setting(rule);
    withoutKernels();
    const expected = everything(rule, given);
    const calls = offerKernels(update);
    const actual = everything(rule, given);
    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
    for (const [what, own] of Object.entries(actual)) expectClose(own, expected[what]!, 2e-5);
    // Four of five blocks in apply, update, vjp and inner: the transposed convolution is left to plain operators.
    expect(calls).toHaveLength(4 * 4);
    given.dispose();
  });
});

it.each([
  // All but the normalisation, which has no matrix.
  [{ form: 'full', learnedScale: 'layer', weightDecay: 0.3 }, 3],
  // The embedding: its one side is no longer than twice the rank. Beside one of low rank a whole matrix is taken for one, too.
  [{ rank: 2 }, 1],
] as const)('hands whole matrices to kernels for them: %o', (options, wholeBlocks) => {
  const rule = precondition(options);
  const given = setting(rule);
  withoutKernels();
  const expected = everything(rule, given);
  const calls = offerKernels(update, names);
  const actual = everything(rule, given);
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [what, own] of Object.entries(actual)) expectClose(own, expected[what]!, 2e-5);
  expect(calls).toHaveLength(4 * 4);
  expect(calls.filter((inputs) => inputs['columns'] ?? inputs['rows'])).toHaveLength(4 * wholeBlocks);
  given.dispose();
});

it('gives a folded bias as the second tensor, and a whole matrix on a short side as F − I and I', () => {
  const rule = precondition({ rank: 2 });
  const given = setting(rule);
  const calls = offerKernels(update);
  tf.tidy(() => {
    rule.apply(given.variables, given.phi, given.gradients);
    const [dense] = calls;
    expect(dense!['gradient1']!.shape).toEqual([3]);
    expect(dense!['rowU']!.shape).toEqual([10, 2]);
    const a = Object.entries(given.phi).find(([name]) => name.endsWith('dense.A'))![1];
    expectClose(values(tf.add(dense!['columnU']!, tf.eye(3))), values(a), 1e-6);
    expect(values(dense!['columnV']!)).toEqual(values(tf.eye(3)));
  });
  given.dispose();
});

it('runs plain operators when a kernel declines', () => {
  const rule = precondition({ rank: 2 });
  const given = setting(rule);
  withoutKernels();
  const expected = everything(rule, given);
  expect(offerKernels(() => [])).toEqual([]);
  expect(everything(rule, given)).toEqual(expected);
  given.dispose();
});

it('leaves a rule that was made from it with parts of its own alone', () => {
  const rule = precondition({ rank: 2 });
  const given = setting(rule);
  const { variables, gradients, phi } = given;
  const changed: UpdateRule = { ...rule, direction: (input) => rule.direction(input) };
  tf.tidy(() => {
    expect(changed.update!({ variables, gradients, state: {}, step: 1 }, phi, 1)).toBeUndefined();
  });
  given.dispose();
});
