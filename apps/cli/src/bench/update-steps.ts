/** The update of a network's variables alone: the same gradients in every step, at no cost. */
import { createObjective, createRandom, RuleOptimizer } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchModel } from './models.js';
import type { PreparedSteps } from './prepared-steps.js';
import type { BenchEngineName, UpdateSubject } from './subject.js';
import { ownRule, stockOptimizer } from './training-steps.js';

export function updateSteps(
  engine: BenchEngineName,
  { objective: { variables } }: BenchModel,
  { rule }: UpdateSubject,
): PreparedSteps {
  const random = createRandom(2);
  const gradients = variables.map(({ shape, size }) =>
    tf.tensor(
      Float32Array.from({ length: size }, () => random.normal()),
      shape,
    ),
  );
  if (engine === 'stock-wasm') {
    const optimizer = stockOptimizer(rule);
    const named = Object.fromEntries(variables.map(({ name }, i) => [name, gradients[i]!]));
    return {
      step() {
        optimizer.applyGradients(named);
        return undefined;
      },
      dispose() {
        optimizer.dispose();
        tf.dispose(gradients);
      },
    };
  }
  // A function whose value is 0 and whose derivative is what we say.
  const given = tf.customGrad(() => ({ value: tf.scalar(0), gradFunc: () => gradients }));
  const optimizer = new RuleOptimizer(
    createObjective({
      variables,
      predict: () => given(...variables),
      loss: (outputs) => outputs as tf.Scalar,
    }),
    ownRule(rule),
  );
  return {
    step: () => optimizer.step(undefined),
    dispose() {
      optimizer.dispose();
      tf.dispose(gradients);
    },
  };
}
