/** Training steps of a network: with the optimizers of @apo/core, or with tfjs's own for the published backend. */
import { adam, Apo, momentum, requireArgument, RuleOptimizer } from '@apo/core';
import type { Optimizer, SupervisedBatch, UpdateRule } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchModel } from './models.js';
import type { PreparedSteps } from './prepared-steps.js';
import type { BenchEngineName, BenchRule, StepSubject } from './subject.js';

/** Small enough to leave any of the networks finite for as long as a measurement lasts. */
const LEARNING_RATE = 1e-4;

/** @throws ApoError `INVALID_ARGUMENT` for meta-steps on `stock-wasm`. */
export function trainingSteps(
  engine: BenchEngineName,
  model: BenchModel,
  subject: StepSubject,
): PreparedSteps {
  return engine === 'stock-wasm' ? stockSteps(model, subject) : ownSteps(model, subject);
}

export function ownRule(rule: BenchRule): UpdateRule {
  return rule === 'momentum'
    ? momentum({ learningRate: LEARNING_RATE })
    : adam({ learningRate: LEARNING_RATE });
}

export function stockOptimizer(rule: BenchRule): tf.Optimizer {
  return rule === 'momentum' ? tf.train.momentum(LEARNING_RATE, 0.9) : tf.train.adam(LEARNING_RATE);
}

/** Alternates between the model's two batches, so that each is B′ of the other. */
function ownSteps({ objective, batches }: BenchModel, { rule, meta }: StepSubject): PreparedSteps {
  const base = ownRule(rule);
  const optimizer: Optimizer<SupervisedBatch> =
    meta === undefined
      ? new RuleOptimizer(objective, base)
      : // Dense first meta-steps are over after a second in real training; here they would be all there is.
        new Apo(objective, base, { ...meta, denseSteps: 0 });
  let i = 0;
  return {
    step() {
      const [batch, other] = i++ % 2 === 0 ? batches : [batches[1], batches[0]];
      return optimizer.step(batch, other, { returnLoss: true })!;
    },
    dispose: () => optimizer.dispose(),
  };
}

/** The same objective under tfjs's own optimizers. */
function stockSteps({ objective, batches }: BenchModel, { rule, meta }: StepSubject): PreparedSteps {
  requireArgument(meta === undefined, () => 'stock-wasm has no meta-steps to measure.');
  const optimizer = stockOptimizer(rule);
  let i = 0;
  return {
    step() {
      const batch = batches[i++ % 2]!;
      const variables = [...objective.variables];
      return optimizer.minimize(
        () => objective.loss(objective.predict(batch, true), batch),
        true,
        variables,
      )!;
    },
    dispose: () => optimizer.dispose(),
  };
}
