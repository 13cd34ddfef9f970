/** Whole runs with the batch rotation beside the same runs without it. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { Apo, clipByGlobalNorm, createObjective, cosine, l2, microBatches, RuleOptimizer } from '@apo/core';
import type { ApoOptions, Objective, Optimizer, SupervisedBatch, UpdateRule } from '@apo/core';
import { describe, expect, it } from 'vitest';
import {
  disturbed,
  expectClose,
  freshPrefix,
  leaked,
  normalTensor,
  testVariable,
  values,
} from '../test/tensors.js';
import { precondition } from './precondition.js';
import type { PreconditionOptions } from './precondition.js';

/** Wider than 64, where a side is a whole matrix to every engine, and more than the rows. */
const WIDTH = 66;
const ROWS = 5;

type Make = (
  objective: Objective<SupervisedBatch>,
  options: PreconditionOptions,
) => Optimizer<SupervisedBatch>;

interface Kind {
  readonly regularized?: boolean;
  readonly convolution?: boolean;
  readonly tied?: boolean;
  readonly skip?: boolean;
  readonly opaque?: boolean;
}

/** x W by an op with a gradient of its own, half of the true one. */
const halfProduct = tf.customGrad<tf.Tensor2D>((...args) => {
  const [x, w, save] = args as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
  save([x, w]);
  return {
    value: tf.matMul(x, w),
    gradFunc: (dy, saved) => {
      const [rows, kernel] = saved as [tf.Tensor2D, tf.Tensor2D];
      const delta = tf.mul(dy, 0.5);
      return [tf.matMul(delta, kernel, false, true), tf.matMul(rows, delta, true)];
    },
  };
});

/**
 * WIDTH → WIDTH (tanh) → 3, or a decoder with the weights of the encoder, or a convolution with WIDTH channels in front of the 3, or
 * a layer with a skip connection around its bias, or one whose product is an op with a gradient of its own.
 */
function network({
  regularized = false,
  convolution = false,
  tied = false,
  skip = false,
  opaque = false,
}: Kind) {
  const at = freshPrefix();
  const small = (shape: readonly number[], name: string, seed: number): tf.Variable => {
    const variable = testVariable(shape, `${at}${name}`, seed);
    tf.tidy(() => variable.assign(tf.mul(variable, 0.1)));
    return variable;
  };
  const first = small(convolution ? [1, 2, WIDTH, WIDTH] : [WIDTH, WIDTH], 'first/kernel', 1);
  const bias = small([WIDTH], 'first/bias', 2);
  const second = small([WIDTH, 3], 'second/kernel', 3);
  const variables = tied ? [first, bias] : [first, bias, second];
  const inputs = normalTensor(convolution ? [ROWS, 1, 2, WIDTH] : [ROWS, WIDTH], 4);
  const targets = normalTensor([ROWS, tied ? WIDTH : 3], 5);
  const asMatrix = (tensor: tf.Tensor): tf.Tensor2D => tensor as tf.Tensor2D;
  const objective = createObjective({
    variables,
    predict: (batch: SupervisedBatch) => {
      const x = convolution
        ? tf.reshape(tf.conv2d(batch.inputs as tf.Tensor4D, first as unknown as tf.Tensor4D, 1, 'valid'), [
            -1,
            WIDTH,
          ])
        : opaque
          ? halfProduct(batch.inputs, first)
          : tf.matMul(asMatrix(batch.inputs), asMatrix(first));
      const activated = tf.tanh(tf.add(x, bias));
      const hidden = skip ? tf.add(activated, x) : activated;
      return tied
        ? tf.matMul(asMatrix(hidden), asMatrix(first), false, true)
        : tf.matMul(asMatrix(hidden), asMatrix(second));
    },
    loss: 'squared-error',
    ...(regularized && { regularizer: l2(variables, 1e-2) }),
  });
  const batch = { inputs, targets };
  return { objective, variables, batch, dispose: () => tf.dispose([first, bias, second, inputs, targets]) };
}

/** The change of all variables over `steps` steps, and of φ. */
function run(make: Make, kind: Kind, options: PreconditionOptions, steps = 4): number[] {
  const { objective, variables, batch, dispose } = network(kind);
  const before = variables.flatMap(values);
  const optimizer = make(objective, { form: 'full', ...options });
  leaveIdentity(optimizer);
  for (let step = 0; step < steps; step++) optimizer.step(batch);
  const moved = variables.flatMap(values).map((value, i) => value - before[i]!);
  // By name: a kernel may give the parts of φ in another order than plain operators.
  const phi = Object.entries(optimizer.state().tensors)
    .filter(([name]) => name.startsWith('rule/phi/'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const all = [...moved, ...phi.flatMap(([, tensor]) => values(tensor))];
  optimizer.dispose();
  dispose();
  return all;
}

/** φ away from its start, where products with A and B would round nothing. */
function leaveIdentity(optimizer: Optimizer<SupervisedBatch>): void {
  const { tensors, values: numbers } = optimizer.state();
  const moved = disturbed(tensors, 0.05);
  const next = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      /^rule\/phi\/.*\.[ABS]$/.test(name) ? moved[name]! : tf.clone(tensor),
    ]),
  );
  optimizer.restore({ tensors: next, values: numbers });
  tf.dispose([moved, next]);
}

const both = (make: Make, kind: Kind, options: PreconditionOptions = {}): [number[], number[]] => [
  run(make, kind, { ...options, batchRotation: true }),
  run(make, kind, { ...options, batchRotation: false }),
];

const fixed: Make = (objective, options) =>
  new RuleOptimizer(objective, precondition({ learnedScale: false, initialScale: 0.05, ...options }));
const adapted =
  (apo: ApoOptions): Make =>
  (objective, options) =>
    new Apo(objective, precondition({ initialScale: 0.05, ...options }), { seed: 3, warmup: false, ...apo });

describe('with the batch rotation a run is the same within rounding', () => {
  it.each<[string, Make, Kind, PreconditionOptions]>([
    ['at a fixed φ', fixed, {}, {}],
    ['at a fixed φ, bias apart', fixed, {}, { foldBias: false }],
    ['at a fixed φ, shared weights', fixed, { tied: true }, {}],
    ['at a fixed φ, momentum and decay', fixed, {}, { momentum: 0.5, weightDecay: 0.1 }],
    ['blocks', fixed, {}, { form: 'block', blockSize: 33 }],
    [
      'on a schedule, which shortens directions',
      (objective, options) =>
        new RuleOptimizer(objective, precondition({ initialScale: 0.05, ...options }), {
          schedule: cosine({ steps: 6 }),
        }),
      {},
      { momentum: 0.5 },
    ],
    ['auto, K = 1', adapted({}), {}, {}],
    ['auto, K = 1, a scale for each layer', adapted({}), {}, { learnedScale: 'layer' }],
    ['auto, a longer lookahead', adapted({ lookahead: { factor: 3 } }), {}, {}],
    ['auto, shared weights', adapted({}), { tied: true }, {}],
    ['paper, K = 10', adapted({ preset: 'paper' }), {}, { initialScale: 0.05 }],
    [
      'paper, K = 2, scale 0.5',
      adapted({ preset: 'paper', interval: 2, scale: 0.5 }),
      {},
      { initialScale: 0.05 },
    ],
  ])('%s', (_, make, kind, options) => {
    const [rotated, plain] = both(make, kind, options);
    expectClose(rotated, plain, 2e-5);
    // Another order of the sums: it did run.
    expect(rotated).not.toEqual(plain);
  });
});

describe('the batch rotation stays away', () => {
  it.each<[string, Make, Kind]>([
    ['where the objective has a regulariser', fixed, { regularized: true }],
    ['from convolutions', fixed, { convolution: true }],
    ['where something else reads what the bias is added to', fixed, { skip: true }],
    ['from ops with a gradient of their own', fixed, { opaque: true }],
    [
      'from clipped gradients',
      (objective, options) =>
        new RuleOptimizer(objective, precondition(options), { clip: clipByGlobalNorm(1e-2) }),
      {},
    ],
  ])('%s: the same bits as without it', (_, make, kind) => {
    const [rotated, plain] = both(make, kind);
    expect(rotated).toEqual(plain);
  });

  it('from micro-batches: the same bits as without it', () => {
    const [rotated, plain] = [true, false].map((batchRotation) => {
      const { objective, variables, batch, dispose } = network({});
      const optimizer = fixed(objective, { form: 'full', batchRotation });
      optimizer.step(microBatches([batch, batch]));
      const end = variables.flatMap(values);
      optimizer.dispose();
      dispose();
      return end;
    });
    expect(rotated).toEqual(plain);
  });

  it('from forms that no layer can make cheaper, which ask for no layers', () => {
    const { variables, dispose } = network({});
    const asks = (options: PreconditionOptions, rows = ROWS): boolean | undefined =>
      precondition(options).wantsLayers?.(variables)?.(variables[0]!.name, rows);
    expect(asks({ form: 'full' })).toBe(true);
    expect(asks({ form: 'full' }, WIDTH)).toBe(false);
    expect(precondition({ form: 'full' }).wantsLayers?.(variables)?.('another', ROWS)).toBe(false);
    expect(asks({ form: 'full', batchRotation: false })).toBeUndefined();
    const overrides = [{ pattern: /first/, block: { batchRotation: false } }];
    expect(asks({ form: 'full', overrides })).toBe(false);
    expect(asks({ form: 'diagonal' })).toBeUndefined();
    expect(asks({ form: 'low-rank' })).toBeUndefined();
    dispose();
  });

  it('from whole matrices of at most 64, but not from blocks, however small', () => {
    const asks = (size: number, options: PreconditionOptions): boolean | undefined => {
      const kernel = testVariable([size, size], `${freshPrefix()}kernel`, 1);
      const answer = precondition(options).wantsLayers?.([kernel])?.(kernel.name, 1);
      kernel.dispose();
      return answer;
    };
    expect([asks(64, { form: 'full' }), asks(65, { form: 'full' })]).toEqual([undefined, true]);
    expect(asks(32, { form: 'block', blockSize: 16 })).toBe(true);
    // One block is a whole matrix.
    expect(asks(32, { form: 'block', blockSize: 32 })).toBeUndefined();
  });

  it('from a rule that was changed, which asks for no layers', () => {
    const { variables, dispose } = network({});
    const { vjp: own, ...withoutVjp } = precondition({ form: 'full' });
    const rule: UpdateRule = { ...withoutVjp, vjp: own! };
    const changed: UpdateRule[] = [
      withoutVjp,
      { ...rule, vjp: (input) => rule.vjp!(input) },
      { ...rule, direction: (input) => rule.direction(input) },
      { ...rule, apply: (...input) => rule.apply(...input) },
    ];
    expect(rule.wantsLayers!(variables)).toBeTypeOf('function');
    expect(changed.map((other) => other.wantsLayers!(variables))).toEqual(changed.map(() => undefined));
    dispose();
  });

  it('from a rule that was changed, and from a direction that is not of the layers', () => {
    const { objective, variables, batch, dispose } = network({});
    const rule = precondition({ form: 'full' });
    const given: { gradients: Record<string, tf.Tensor>; rule: UpdateRule }[] = [];
    const spy: UpdateRule = {
      ...rule,
      withLayers(layers) {
        const own = rule.withLayers!(layers);
        given.push({ gradients: layers.gradients, rule: own });
        const changed: UpdateRule = { ...rule, direction: (input) => rule.direction(input) };
        expect(changed.withLayers!(layers)).toBe(changed);
        const state = rule.initialState(variables);
        const input = { variables: layers.gradients, gradients: layers.gradients, state, step: 1 };
        const names = Object.keys(layers.gradients);
        expect(Object.keys(own.direction(input).direction)).toHaveLength(names.length + 1);
        const others = Object.fromEntries(names.map((name) => [name, tf.mul(layers.gradients[name]!, 2)]));
        expect(Object.keys(own.direction({ ...input, gradients: others }).direction)).toEqual(names);
        return own;
      },
    };
    const optimizer = new RuleOptimizer(objective, spy);
    optimizer.step(batch);
    expect(given).toHaveLength(1);
    expect(given[0]!.rule).not.toBe(rule);
    optimizer.dispose();
    dispose();
  });
});

it('leaves no tensor behind, and gives the same bits again', async () => {
  for (const make of [fixed, adapted({}), adapted({ preset: 'paper', interval: 2 })]) {
    const runs: number[][] = [];
    expect(await leaked(() => void runs.push(run(make, {}, {}), run(make, {}, {})))).toBe(0);
    expect(runs[0]).toEqual(runs[1]);
  }
});
