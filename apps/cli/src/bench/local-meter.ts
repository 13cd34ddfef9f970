/** Measures in this process, on the backend that is current. */
import { adam, Apo, momentum, requireArgument, RuleOptimizer } from '@apo/core';
import type { Optimizer, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { createBenchModel } from './models.js';
import type { BenchModel } from './models.js';
import type { BenchEngineName, BenchRule, Measurement, Meter, Subject } from './subject.js';

/** Small enough to leave any of the networks finite for as long as a measurement lasts. */
const LEARNING_RATE = 1e-4;

/** One training step; the scalar is what the step left to wait for. */
type Step = () => tf.Scalar;

interface Prepared {
  readonly step: Step;
  dispose(): void;
}

export class LocalMeter implements Meter {
  private readonly prepared = new Map<string, Prepared>();
  private model: { readonly name: string; readonly built: BenchModel } | undefined;

  constructor(readonly engine: BenchEngineName) {}

  async prepare(subject: Subject): Promise<void> {
    if (this.model?.name !== subject.model) {
      this.disposeModel();
      this.model = { name: subject.model, built: createBenchModel(subject.model) };
    }
    const prepared =
      this.engine === 'stock-wasm'
        ? stockSteps(this.model.built, subject)
        : ownSteps(this.model.built, subject);
    this.prepared.set(key(subject), prepared);
    // The first steps allocate, calibrate and compile; an interval is also brought to its beginning.
    const steps = subject.meta === undefined ? 2 : subject.meta.interval;
    for (let i = 0; i < steps; i++) await run(prepared.step);
  }

  async measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement> {
    const prepared = this.prepared.get(key(subject));
    requireArgument(prepared !== undefined, () => `${key(subject)} was not prepared; call prepare first.`);
    const start = performance.now();
    let steps = 0;
    let seconds: number;
    do {
      for (let i = 0; i < minimum.steps; i++) await run(prepared.step);
      steps += minimum.steps;
      seconds = (performance.now() - start) / 1000;
    } while (seconds < minimum.seconds);
    return { steps, seconds };
  }

  dispose(): Promise<void> {
    this.disposeModel();
    return Promise.resolve();
  }

  private disposeModel(): void {
    for (const prepared of this.prepared.values()) prepared.dispose();
    this.prepared.clear();
    this.model?.built.dispose();
    this.model = undefined;
  }
}

function key({ model, rule, meta }: Subject): string {
  return `${model} ${rule}${meta === undefined ? '' : ` ${meta.preset} ${meta.interval}`}`;
}

/** Reading the loss waits for an engine that computes in the background. */
async function run(step: Step): Promise<void> {
  const loss = step();
  await loss.data();
  loss.dispose();
}

/** Alternates between the model's two batches, so that each is B′ of the other. */
function ownSteps({ objective, batches }: BenchModel, { rule, meta }: Subject): Prepared {
  const base =
    rule === 'momentum' ? momentum({ learningRate: LEARNING_RATE }) : adam({ learningRate: LEARNING_RATE });
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
function stockSteps({ objective, batches }: BenchModel, { rule, meta }: Subject): Prepared {
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

function stockOptimizer(rule: BenchRule): tf.Optimizer {
  return rule === 'momentum' ? tf.train.momentum(LEARNING_RATE, 0.9) : tf.train.adam(LEARNING_RATE);
}
