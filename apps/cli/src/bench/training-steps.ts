/** Training steps of a network: with the optimizers of @apo/core, or with tfjs's own for the published backend. */
import { adam, Apo, momentum, requireArgument, RuleOptimizer } from '@apo/core';
import type { ApoRule, Optimizer, SupervisedBatch, UpdateRule } from '@apo/core';
import { precondition } from '@apo/precond';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchModel } from './models.js';
import { formOptions, isBenchForm } from './precond-forms.js';
import type { PreparedSteps } from './prepared-steps.js';
import type { BenchEngineName, BenchForm, BenchRule, StepSubject } from './subject.js';

/** Small enough to leave any of the networks finite for as long as a measurement lasts. */
const LEARNING_RATE = 1e-4;

/** @throws ApoError `INVALID_ARGUMENT` for meta-steps or a preconditioner on `stock-wasm`. */
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

/** The same P at first, whatever the preset, so that all forms take steps of one length. */
function formRule(form: BenchForm): ApoRule {
  return precondition({ ...formOptions[form], learnedScale: 'global', initialScale: LEARNING_RATE });
}

export function stockOptimizer(rule: BenchRule): tf.Optimizer {
  return rule === 'momentum' ? tf.train.momentum(LEARNING_RATE, 0.9) : tf.train.adam(LEARNING_RATE);
}

/** Alternates between the model's two batches, so that each is B′ of the other. */
function ownSteps({ objective, batches }: BenchModel, { rule, meta }: StepSubject): PreparedSteps {
  const base = isBenchForm(rule) ? formRule(rule) : ownRule(rule);
  const optimizer: Optimizer<SupervisedBatch> =
    meta === undefined
      ? new RuleOptimizer(objective, base)
      : // Dense first meta-steps and a warm-up are over after a while in real training; here they would be all there is.
        new Apo(objective, base, { ...meta, denseSteps: 0, warmup: false });
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
  requireArgument(!isBenchForm(rule), () => 'stock-wasm has no preconditioner to measure.');
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
