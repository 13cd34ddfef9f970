import * as tf from '@tensorflow/tfjs-core';
import {
  automaticVjp,
  constant,
  contract,
  l2,
  LOG_LEARNING_RATE,
  momentum,
  RuleOptimizer,
  sgd,
} from '@apo/core';
import type { TensorMap, UpdateRule, VjpInput } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { matrix, multiply, numbers, referenceUpdate, transposed } from '../test/reference.js';
import { regression, trajectory } from '../test/regression.js';
import { disturbed, expectClose, freshPrefix, normalTensor, testVariable, values } from '../test/tensors.js';
import { fullPreconditioner } from './full-preconditioner.js';
import { precondition } from './precondition.js';
import type { PreconditionOptions } from './precondition.js';

/** A dense layer, a convolution with its bias, a normalisation and an embedding, with φ away from its start. */
function setting(rule: UpdateRule): VjpInput & { dispose(): void } {
  const at = freshPrefix();
  const variables = [
    testVariable([5, 4], `${at}dense/kernel`, 1),
    testVariable([4], `${at}dense/bias`, 2),
    testVariable([2, 2, 3, 5], `${at}conv/kernel`, 3),
    testVariable([5], `${at}conv/bias`, 4),
    testVariable([6], `${at}norm/gamma`, 5),
    testVariable([7, 3], `${at}embedding/embeddings`, 6),
  ];
  const map = (seed: number): TensorMap =>
    Object.fromEntries(variables.map(({ name, shape }, i) => [name, normalTensor(shape, seed + i)]));
  const start = tf.tidy(() => rule.initialPhi(variables));
  const phi = disturbed(start);
  const [direction, cotangent] = [map(100), map(200)];
  const byName = Object.fromEntries(variables.map((variable) => [variable.name, variable]));
  tf.dispose(start);
  return {
    variables: byName,
    phi,
    direction,
    cotangent,
    dispose: () => tf.dispose([variables, phi, direction, cotangent]),
  };
}

const forms: [string, UpdateRule][] = [
  ...(['low-rank', 'full', 'block', 'diagonal'] as const).map((form): [string, UpdateRule] => [
    form,
    precondition({ form, rank: 2, blockSize: 3 } satisfies PreconditionOptions),
  ]),
  ['low-rank, one scale a layer', precondition({ rank: 2, learnedScale: 'layer' })],
  ['low-rank, no scale', precondition({ rank: 2, learnedScale: false })],
  ['full P', fullPreconditioner({ factored: false })],
  ['full C Cᵀ', fullPreconditioner()],
];

describe.each(forms)('%s', (_, rule) => {
  it('has the vector–Jacobian product of automatic differentiation', () => {
    const { dispose, ...input } = setting(rule);
    tf.tidy(() => {
      const [own, automatic] = [contract(rule, input), automaticVjp(rule, input)];
      expect(Object.keys(own).sort()).toEqual(Object.keys(input.phi).sort());
      for (const [name, gradient] of Object.entries(automatic))
        expectClose(values(own[name]!), values(gradient), 1e-4);
      if (rule.logLearningRate !== undefined) {
        const one = contract(rule, { ...input, only: LOG_LEARNING_RATE });
        expectClose(values(one[LOG_LEARNING_RATE]!), values(own[LOG_LEARNING_RATE]!), 1e-5);
      }
    });
    dispose();
  });
});

describe('at its start', () => {
  it.each(['low-rank', 'full', 'block', 'diagonal'] as const)(
    'the form %s is gradient descent, to the bit',
    (form) => {
      const rule = precondition({ form, rank: 1, blockSize: 2, initialScale: 0.1 });
      const reference = sgd({ learningRate: 0.1 });
      expect(trajectory((objective) => new RuleOptimizer(objective, rule))).toEqual(
        trajectory((objective) => new RuleOptimizer(objective, reference)),
      );
    },
  );

  it('with momentum μ it is heavy ball: θ′ = θ + μ (θ − θ₋₁) − η g', () => {
    // SGD with velocity m ← μ m + g and θ ← θ − η m takes the same steps while η does not change.
    const rule = precondition({ momentum: 0.8, initialScale: 0.1 });
    const reference = momentum({ momentum: 0.8, learningRate: 0.1 });
    const own = trajectory((objective) => new RuleOptimizer(objective, rule), 10);
    const expected = trajectory((objective) => new RuleOptimizer(objective, reference), 10);
    own.forEach((step, i) => expectClose(step, expected[i]!, 1e-5));
  });

  it('with weight decay w it is gradient descent with decoupled decay, and a schedule shortens both', () => {
    // θ′ = θ − c η (g + w θ): with coupled decay ½ w ‖θ‖² in the loss, gradient descent does the same.
    const schedule = constant(0.5);
    const rule = precondition({ weightDecay: 0.3, initialScale: 0.1 });
    const own = trajectory((objective) => new RuleOptimizer(objective, rule, { schedule }));
    const expected = trajectory((objective) => {
      const regularizer = l2(objective.variables, 0.3);
      return new RuleOptimizer({ ...objective, regularizer }, sgd({ learningRate: 0.1 }), { schedule });
    });
    own.forEach((step, i) => expectClose(step, expected[i]!, 1e-5));
  });
});

describe('weight decay and momentum', () => {
  it('are in the derivative with respect to log η', () => {
    // ∂Q/∂(log η) = −η ⟨v, g + w θ⟩ at P_S = I
    const rule = precondition({ weightDecay: 0.3, initialScale: 0.1 });
    const { variables: list, dispose } = regression();
    tf.tidy(() => {
      const phi = rule.initialPhi(list);
      const variables = Object.fromEntries(list.map((variable) => [variable.name, variable]));
      const [gradients, cotangent] = [300, 400].map((seed) =>
        Object.fromEntries(list.map(({ name, shape }, i) => [name, normalTensor(shape, seed + i)])),
      ) as [TensorMap, TensorMap];
      const { direction } = rule.direction({ variables, gradients, state: {}, step: 1 });
      const own = contract(rule, { variables, phi, direction, cotangent });
      let inner = 0;
      for (const name of Object.keys(variables)) {
        const [v, g, theta] = [cotangent, gradients, variables].map((map) => values(map[name]!));
        v!.forEach((x, i) => (inner += x * (g![i]! + 0.3 * theta![i]!)));
      }
      expectClose(values(own[LOG_LEARNING_RATE]!), [-0.1 * inner], 1e-5);
    });
    dispose();
  });
});

describe('a convolution', () => {
  it('is preconditioned as the matrix of its patches: P_S applied to Xᵀ Δ', () => {
    const at = freshPrefix();
    const [kernel, bias] = [
      testVariable([2, 3, 2, 4], `${at}conv/kernel`, 31),
      testVariable([4], `${at}conv/bias`, 32),
    ];
    const images = normalTensor([2, 5, 6, 2], 33) as tf.Tensor4D;
    // Output [2, 3, 2, 4]: 5 rows at stride 2 and 6 columns at stride 2, windows of 2 × 3, no padding.
    const delta = normalTensor([2, 2, 2, 4], 34);
    const rule = precondition({ rank: 1, learnedScale: false });
    tf.tidy(() => {
      const convolve = (): tf.Scalar =>
        tf.sum(
          tf.mul(tf.add(tf.conv2d(images, kernel as tf.Variable<tf.Rank.R4>, [2, 2], 'valid'), bias), delta),
        );
      const { grads } = tf.variableGrads(convolve, [kernel, bias]);
      // One row for each output position: its window [2, 3, 2] flattened, and a one for the bias.
      const x = images.arraySync();
      const patches: number[][] = [];
      for (let image = 0; image < 2; image++)
        for (let i = 0; i < 2; i++)
          for (let j = 0; j < 2; j++)
            patches.push([
              ...[0, 1].flatMap((di) => [0, 1, 2].flatMap((dj) => x[image]![2 * i + di]![2 * j + dj]!)),
              1,
            ]);
      const flat = values(delta);
      const rows = matrix(8, 4, (i, j) => flat[4 * i + j]!);
      const phi = disturbed(rule.initialPhi([kernel, bias]));
      const name = kernel.name.slice(0, -'/kernel'.length);
      const expected = referenceUpdate(numbers(phi), name, multiply(transposed(patches), rows));
      const variables = { [kernel.name]: kernel, [bias.name]: bias };
      const next = rule.apply(variables, phi, grads);
      const moved = (variable: tf.Variable): number[] => values(tf.sub(variable, next[variable.name]!));
      expectClose([...moved(kernel), ...moved(bias)], expected.flat(), 2e-5);
    });
    tf.dispose([kernel, bias, images, delta]);
  });
});

describe('what is refused', () => {
  it.each<[PreconditionOptions, RegExp]>([
    [{ momentum: 1 }, /momentum is 1/],
    [{ weightDecay: -1 }, /weightDecay is -1/],
    [{ initialScale: 0 }, /initialScale is 0/],
    [{ seed: 0.5 }, /seed is 0.5/],
    [{ rank: 0 }, /rank is 0/],
    [{ learnedScale: 'block' as 'layer' }, /learnedScale is "block"; expected "global", "layer" or false/],
  ])('%o', (options, message) => {
    expect(() => precondition(options)).toThrow(message);
  });

  it('a full P over too many parameters, with what to use instead', () => {
    const at = freshPrefix();
    const kernel = testVariable([65, 64], `${at}dense/kernel`, 1);
    expect(() => fullPreconditioner().initialPhi([kernel])).toThrow(
      /4160 parameters.*expected at most 4096. Use precondition\(\) instead/,
    );
    kernel.dispose();
  });
});
