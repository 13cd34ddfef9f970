/** A network trained in 16 bits by `Apo`: it learns, and every weight, gradient and activation on the way is a 16-bit number. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bits } from '../../test/linear-regression.js';
import { leaked, testVariable, uniformTensor, values } from '../../test/numeric.js';
import { hasAll } from '../../test/sixteen-bit.js';
import {
  Apo,
  createObjective,
  momentum,
  RuleOptimizer,
  sgd,
  withPrecision,
  withRulePrecision,
} from '../index.js';
import type { Objective, Precision, SupervisedBatch, UpdateRule } from '../index.js';

const EXAMPLES = 24;
const FEATURES = 16;
const CLASSES = 4;

interface Network {
  readonly objective: Objective<SupervisedBatch>;
  readonly variables: tf.Variable[];
  readonly batches: SupervisedBatch[];
  dispose(): void;
}

/** 16 → 12 → 4 on noisy copies of four seeded patterns, the same for everyone; `see` gets every activation. */
function network(see: (activation: tf.Tensor) => void = () => undefined): Network {
  const [w1, b1, w2, b2] = [
    testVariable(
      tf.tidy(() => tf.mul(uniformTensor([FEATURES, 12], 1), 0.5)),
      'w1',
    ),
    testVariable(tf.zeros([12]), 'b1'),
    testVariable(
      tf.tidy(() => tf.mul(uniformTensor([12, CLASSES], 2), 0.5)),
      'w2',
    ),
    testVariable(tf.zeros([CLASSES]), 'b2'),
  ] as const;
  const variables = [w1, b1, w2, b2];
  const layer = (x: tf.Tensor, w: tf.Variable, b: tf.Variable): tf.Tensor => {
    const product = tf.matMul(x, w);
    const sum = tf.add(product, b);
    [product, sum].forEach(see);
    return sum;
  };
  const objective = createObjective({
    variables,
    predict: ({ inputs }: SupervisedBatch) => {
      const hidden = tf.tanh(layer(inputs, w1, b1));
      see(hidden);
      return layer(hidden, w2, b2);
    },
    loss: 'softmax-cross-entropy',
  });
  const batches = [0, 1, 2].map((part) =>
    tf.tidy(() => {
      const labels = Array.from({ length: EXAMPLES / 3 }, (_, i) => (i + part) % CLASSES);
      const patterns = tf.gather(uniformTensor([CLASSES, FEATURES], 3), tf.tensor1d(labels, 'int32'));
      const noise = tf.mul(uniformTensor([labels.length, FEATURES], 4 + part), 0.8);
      return {
        inputs: tf.add(patterns, noise),
        targets: tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES), 'float32'),
      };
    }),
  );
  return {
    objective,
    variables,
    batches,
    dispose: () => tf.dispose([variables, batches.flatMap(({ inputs, targets }) => [inputs, targets])]),
  };
}

/** Calls `see` with every gradient that the rule is shown. */
function watched(rule: UpdateRule, see: (gradient: tf.Tensor) => void): UpdateRule {
  return {
    ...rule,
    direction(input) {
      Object.values(input.gradients).forEach(see);
      return rule.direction(input);
    },
  };
}

const STEPS = 40;

/** Losses of a run, and the bits of the weights after it. */
function train(
  rule: UpdateRule,
  wrap: (objective: Objective<SupervisedBatch>) => Objective<SupervisedBatch>,
  afterStep: (variables: tf.Variable[]) => void = () => undefined,
  see?: (activation: tf.Tensor) => void,
): { losses: number[]; weights: number[] } {
  const { objective, variables, batches, dispose } = network(see);
  const apo = new Apo(wrap(objective), rule, { seed: 3 });
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const loss = apo.step(batches[step % 3]!, batches[(step + 1) % 3], { returnLoss: true })!;
    losses.push(loss.dataSync()[0]!);
    loss.dispose();
    afterStep(variables);
  }
  const weights = bits(...variables);
  apo.dispose();
  dispose();
  return { losses, weights };
}

describe.each(['bf16', 'fp16'] as const)('%s', (precision) => {
  it.each([
    ['sgd', sgd],
    ['momentum', momentum],
  ])(
    '%s learns, every tensor a 16-bit number, with the same bits every time and no leak',
    async (_, make) => {
      const seen = { activations: 0, gradients: 0, weights: 0 };
      const check = (what: keyof typeof seen, tensor: tf.Tensor): void => {
        if (!hasAll(precision, values(tensor))) expect.fail(`one of the ${what} is not in ${precision}`);
        seen[what]++;
      };
      const run = (): ReturnType<typeof train> =>
        train(
          withRulePrecision(
            watched(make(), (gradient) => check('gradients', gradient)),
            precision,
          ),
          (objective) => withPrecision(objective, precision),
          (variables) => variables.forEach((variable) => check('weights', variable)),
          (activation) => check('activations', activation),
        );
      const first = run();
      const [start, end] = [first.losses[0]!, first.losses.at(-1)!];
      // From ln 4 or so to a small part of it.
      expect(start).toBeGreaterThan(1);
      expect(end).toBeLessThan(start / 4);
      expect(seen.weights).toBe(4 * STEPS);
      expect(seen.gradients).toBe(4 * STEPS);
      // Five a forward pass: one in every step at least, more in those that adapt.
      expect(seen.activations).toBeGreaterThan(5 * STEPS);
      expect(await leaked(() => expect(run()).toEqual(first))).toBe(0);
    },
  );

  it('learns with master weights, which float32 holds and the format does not', () => {
    const inFormat: boolean[] = [];
    const { losses } = train(
      withRulePrecision(momentum(), precision, { masterCopies: true }),
      (objective) => withPrecision(objective, precision, { masterWeights: true }),
      (variables) => inFormat.push(variables.every((variable) => hasAll(precision, values(variable)))),
    );
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
    expect(inFormat.every((is) => !is)).toBe(true);
  });

  it('leaves a float32 run as it was, to the bit', () => {
    const plain = (): ReturnType<typeof train> => train(sgd(), (objective) => objective);
    const before = plain();
    train(withRulePrecision(sgd(), precision), (objective) => withPrecision(objective, precision));
    expect(plain()).toEqual(before);
  });

  it('needs master weights for steps below half a spacing', () => {
    // J = Σ w, so that every step is η = 1e−4: below half of the spacing under 1 (2⁻⁹ and 2⁻¹²) it is lost, or kept in float32.
    const after = (master: boolean, chosen: Precision = precision): number => {
      const w = testVariable(tf.ones([3]), 'w');
      const objective = createObjective<SupervisedBatch>({
        variables: [w],
        predict: () => tf.mul(w, 1),
        loss: (y) => tf.sum(y as tf.Tensor),
      });
      const optimizer = new RuleOptimizer(
        withPrecision(objective, chosen, { masterWeights: master }),
        withRulePrecision(sgd({ learningRate: 1e-4 }), chosen, { masterCopies: master }),
      );
      const batch = { inputs: tf.zeros([1]), targets: tf.zeros([1]) };
      for (let i = 0; i < 10; i++) optimizer.step(batch);
      const value = w.dataSync()[0]!;
      optimizer.dispose();
      tf.dispose([w, batch.inputs, batch.targets]);
      return value;
    };
    expect(after(false)).toBe(1);
    expect(after(true)).toBeCloseTo(1 - 1e-3, 6);
  });
});
