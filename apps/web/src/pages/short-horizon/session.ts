/**
 * The run behind the page: the same weights trained on the same batches by Apo, once with the loss term of Q on the batch that gave the
 * gradient and once on another one. Needs a TensorFlow.js engine that can be read at once (`cpu`, `wasm`); no Worker and no page.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Apo, createObjective, momentum, sgd } from '@apo/core';
import type { ApoOptions, SupervisedBatch, UpdateRule } from '@apo/core';
import { greedyRate, horizonCurves } from './horizon.js';
import type { HorizonCurve, Setting } from './horizon.js';
import { createProblem, excessLoss, squaredErrors } from './problem.js';
import type { Examples, Problem } from './problem.js';
import { FEATURES, sidesOf } from './settings.js';
import type { LossBatch, ShortHorizonSettings } from './settings.js';

/** What one side did since the last report; all lists have one entry a step. */
export interface SideProgress {
  /** The learning rate of the step. */
  readonly rates: readonly number[];
  /** Expected loss after it, less that of the best weights. */
  readonly excess: readonly number[];
  /** The rate that minimises the expected loss after one SGD step from there. */
  readonly greedy: readonly number[];
}

export interface Progress {
  /** Steps taken since the start. */
  readonly steps: number;
  readonly sides: Readonly<Partial<Record<LossBatch, SideProgress>>>;
  /** Steps among the new ones that were meta-steps. */
  readonly metaSteps: readonly number[];
}

interface Side {
  readonly weights: tf.Variable;
  readonly optimizer: Apo<SupervisedBatch>;
  /** log η, read after each step. */
  readonly logRate: () => number;
}

let sessions = 0;

/** Takes the steps that it is asked for. `dispose` frees all tensors. */
export class ShortHorizonSession {
  private readonly problem: Problem;
  private readonly sides: ReadonlyMap<LossBatch, Side>;
  private previous: SupervisedBatch;
  private count = 0;

  constructor(readonly settings: ShortHorizonSettings) {
    this.problem = createProblem(settings);
    const id = ++sessions;
    this.sides = new Map(sidesOf(settings.loss).map((loss) => [loss, createSide(settings, loss, id)]));
    this.previous = toBatch(this.problem.next());
  }

  get steps(): number {
    return this.count;
  }

  /** Takes steps until `settings.steps` are done, or `enough(steps taken now)`. */
  advance(enough: (taken: number) => boolean): Progress {
    const reports = new Map([...this.sides.keys()].map((loss) => [loss, emptyReport()]));
    const metaSteps: number[] = [];
    for (let taken = 0; this.count < this.settings.steps && !enough(taken); taken++) {
      const batch = toBatch(this.problem.next());
      this.count++;
      if (this.isMetaStep(this.count)) metaSteps.push(this.count);
      for (const [loss, side] of this.sides) {
        side.optimizer.step(batch, this.previous);
        const values = side.weights.dataSync<'float32'>();
        const report = reports.get(loss)!;
        report.rates.push(Math.exp(side.logRate()));
        report.excess.push(excessLoss(this.problem, values));
        report.greedy.push(greedyRate(this.settingAt(values)));
      }
      tf.dispose([this.previous.inputs, this.previous.targets]);
      this.previous = batch;
    }
    return { steps: this.count, sides: Object.fromEntries(reports), metaSteps };
  }

  /** Expected losses at constant rates, from the weights that one side has now. Undefined for a side that is not run. */
  horizons(loss: LossBatch): HorizonCurve[] | undefined {
    const side = this.sides.get(loss);
    return side && horizonCurves(this.settingAt(side.weights.dataSync<'float32'>()));
  }

  dispose(): void {
    tf.dispose([this.previous.inputs, this.previous.targets]);
    for (const { optimizer, weights } of this.sides.values()) {
      optimizer.dispose();
      weights.dispose();
    }
  }

  private settingAt(weights: ArrayLike<number>): Setting {
    const { batchSize, noise } = this.settings;
    return {
      variances: this.problem.variances,
      squaredErrors: squaredErrors(this.problem, weights),
      batchSize,
      noise,
    };
  }

  /** As Apo has it: in all of the first `denseSteps` steps, and in every K-th from the first on. */
  private isMetaStep(step: number): boolean {
    const { denseSteps, interval } = this.sides.values().next().value!.optimizer.options;
    return step <= denseSteps || (step - 1) % interval === 0;
  }
}

/** The rule of a run. */
export function ruleOf({ rule, initialRate }: ShortHorizonSettings): UpdateRule {
  const rate = initialRate > 0 ? { learningRate: initialRate } : {};
  return rule === 'sgd' ? sgd(rate) : momentum(rate);
}

/** What a run gives `Apo`. */
export function apoOptionsOf(settings: ShortHorizonSettings, lossBatch: LossBatch): ApoOptions {
  const { lambdaFsd, lambdaWsd, interval, initialRate, seed } = settings;
  return {
    lossBatch,
    lambdaFsd,
    lambdaWsd,
    interval,
    seed,
    ...(initialRate > 0 && { calibrate: false }),
  };
}

function createSide(settings: ShortHorizonSettings, lossBatch: LossBatch, id: number): Side {
  const start = tf.zeros([FEATURES, 1]);
  const weights = tf.variable(start, true, `short-horizon-${id}/${lossBatch}`);
  start.dispose();
  const objective = createObjective({
    variables: [weights],
    predict: ({ inputs }) => tf.matMul(inputs as tf.Tensor2D, weights as tf.Tensor2D),
    loss: 'squared-error',
  });
  const rule = ruleOf(settings);
  const optimizer = new Apo(objective, rule, apoOptionsOf(settings, lossBatch));
  return {
    weights,
    optimizer,
    logRate: () => optimizer.state().tensors[`rule/phi/${rule.logLearningRate!}`]!.dataSync<'float32'>()[0]!,
  };
}

function emptyReport(): { rates: number[]; excess: number[]; greedy: number[] } {
  return { rates: [], excess: [], greedy: [] };
}

function toBatch({ inputs, targets }: Examples): SupervisedBatch {
  return {
    inputs: tf.tensor2d(inputs, [targets.length, FEATURES]),
    targets: tf.tensor2d(targets, [targets.length, 1]),
  };
}
