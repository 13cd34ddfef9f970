/** Amortized Proximal Optimization: Algorithm 1 of arXiv 2203.00089, for any update rule on any objective. */
import * as tf from '@tensorflow/tfjs-core';
import { lambdaFsdAt, presetRule, resolveApoOptions } from './apo-options.js';
import type { ApoOptions, ApoRule, ResolvedApoOptions } from './apo-options.js';
import { basePass } from './base-pass.js';
import type { BasePass, SeededBatch } from './base-pass.js';
import { calibrateLogRate } from './calibration.js';
import { layeredPass } from './layered-pass.js';
import { MetaStatisticsFeed } from './meta-statistics.js';
import type { MetaStepListener } from './meta-statistics.js';
import { lookaheadParts, metaStep, promisedDecrease } from './meta-step.js';
import type { LookaheadParts } from './meta-step.js';
import { preserving } from './lookahead.js';
import type { Objective, Outputs } from './objective.js';
import { requireUniqueNames } from './objective.js';
import { batchList } from './optimizer.js';
import type {
  MicroBatches,
  Optimizer,
  OptimizerState,
  OptimizerStatistics,
  StepOptions,
} from './optimizer.js';
import { predictions, proximalTerms } from './proximal.js';
import type { ProximalProblem } from './proximal.js';
import { createRandom } from './random.js';
import { checkState, restoreState, RuleRunner } from './rule-runner.js';
import type { Advance } from './rule-runner.js';
import type { Schedule } from './schedule.js';
import { flattenState, replaceKept, stateTensors } from './tensor-map.js';
import type { RuleState, TensorMap } from './update-rule.js';

/**
 * An optimizer that learns φ of a rule while it trains. It owns φ and all state (`dispose` frees them), never the objective's
 * variables. One instance trains one objective.
 */
export class Apo<B> implements Optimizer<B> {
  readonly name: string;
  readonly options: ResolvedApoOptions;
  private readonly main: RuleRunner;
  private readonly warmup: RuleRunner | undefined;
  private readonly feed = new MetaStatisticsFeed();
  private readonly random;
  private metaState: RuleState;
  private readonly rejectedCount: tf.Variable;
  private stepCount = 0;
  private metaCount = 0;
  private calibrated = false;

  /**
   * @param objective What is minimised. Its variables are moved by `step`.
   * @param rule The rule whose φ is learned: `sgd()`, `momentum()`, `rmsprop()`, `adam()`, `adamw()` or one of your own. It may bring defaults for each preset, and a form of its own under it.
   * @param options See `ApoOptions`; the default preset `auto` needs nothing chosen.
   * @throws ApoError `INVALID_ARGUMENT` or `UNSUPPORTED`.
   */
  constructor(
    readonly objective: Objective<B>,
    rule: ApoRule,
    options: ApoOptions = {},
  ) {
    requireUniqueNames(objective.variables);
    this.options = resolveApoOptions(rule, options);
    this.name = `${rule.name}-apo`;
    this.random = createRandom(this.options.seed ?? 0);
    const { warmup, schedule, scale, metaOptimizer } = this.options;
    this.main = new RuleRunner(
      presetRule(rule, options.preset),
      objective.variables,
      scaledBy(scale, schedule),
    );
    this.warmup = warmup && new RuleRunner(warmup.rule, objective.variables, schedule);
    this.metaState = tf.tidy(() => {
      const state = metaOptimizer.initialState(this.main.phi);
      replaceKept([], stateTensors(state));
      return state;
    });
    this.rejectedCount = tf.tidy(() => tf.variable(tf.scalar(0), false));
  }

  get steps(): number {
    return this.stepCount;
  }

  step(
    batch: B | MicroBatches<B>,
    other?: B | MicroBatches<B>,
    options: StepOptions = {},
  ): tf.Scalar | undefined {
    const step = this.stepCount + 1;
    const isMetaStep = this.isMetaStep;
    const lambdaFsd = isMetaStep ? lambdaFsdAt(this.options.lambdaFsd, step) : 0;
    const own = this.seeded(batchList(batch));
    const second = other === undefined ? own : this.seeded(batchList(other));
    const needsOutputs = lambdaFsd > 0 && this.fsdBatches(own, second) === own;
    const keepOutputs: Outputs[] = [];
    try {
      return tf.tidy(() => {
        const { clip, warmup, lookahead } = this.options;
        const inWarmup = warmup !== undefined && step <= warmup.steps;
        const keep = {
          ...(needsOutputs && { keepOutputs }),
          ...(options.onOutputs && { onOutputs: options.onOutputs }),
        };
        const appliesRule = (isMetaStep || !inWarmup) && clip === undefined;
        const base = layeredPass(this.objective, own, keep, appliesRule ? this.main.wantedLayers : undefined);
        const gradients = clip?.(base.gradients) ?? base.gradients;
        if (inWarmup || isMetaStep) {
          const advance = this.main.advance(gradients, step, {
            wantCommitted: isMetaStep && lookahead === 'committed',
            layers: base.layers,
          });
          if (isMetaStep) {
            const problem = this.problem(lambdaFsd, own, second, keepOutputs);
            const descent = problem.lossBatches === own ? base : this.passOn(problem.lossBatches);
            if (this.mustCalibrate) this.calibrate(problem, descent, advance);
            this.adapt(problem, descent, advance);
          }
          if (inWarmup) this.warmup!.move(gradients, step);
          this.main.commit(advance, !inWarmup);
        } else {
          this.main.move(gradients, step, base.layers);
        }
        this.stepCount = step;
        return options.returnLoss ? base.loss : undefined;
      });
    } finally {
      tf.dispose(keepOutputs.flat());
    }
  }

  /** Whether φ moves in the step to come. */
  private get isMetaStep(): boolean {
    const { denseSteps, interval } = this.options;
    return this.mustCalibrate || this.stepCount < denseSteps || this.stepCount % interval === 0;
  }

  private get mustCalibrate(): boolean {
    return this.options.calibration !== undefined && !this.calibrated;
  }

  private fsdBatches(own: SeededBatch<B>[], second: SeededBatch<B>[]): SeededBatch<B>[] {
    return this.options.fsdBatch === 'same' ? own : second;
  }

  /** Q as a function of θ′: which batch each of its terms sees, and the predictions that the second compares with. */
  private problem(
    lambdaFsd: number,
    own: SeededBatch<B>[],
    second: SeededBatch<B>[],
    ownOutputs: Outputs[],
  ): ProximalProblem<B> {
    const { lossBatch, lambdaWsd } = this.options;
    const fsdBatches = this.fsdBatches(own, second);
    const previous =
      lambdaFsd === 0 ? [] : fsdBatches === own ? ownOutputs : predictions(this.objective, fsdBatches);
    return {
      objective: this.objective,
      weights: { lambdaFsd, lambdaWsd },
      lossBatches: lossBatch === 'same' ? own : second,
      fsdBatches,
      previous,
    };
  }

  /** J and ∇J on batches other than the step's own, BatchNorm averages left alone. */
  private passOn(batches: readonly SeededBatch<B>[]): BasePass {
    return preserving(this.objective.stateVariables, () => basePass(this.objective, batches));
  }

  private parts(advance: Advance): LookaheadParts {
    const { variables, phi } = this.main;
    return lookaheadParts(advance.rule, variables, phi, advance, this.options.lookahead);
  }

  /** φ moves; θ does not. */
  private adapt(problem: ProximalProblem<B>, descent: BasePass, advance: Advance): void {
    const { phi } = this.main;
    const { rule } = advance;
    const output = metaStep({
      problem,
      rule,
      phi,
      parts: this.parts(advance),
      descent,
      metaState: this.metaState,
      metaStep: this.metaCount + 1,
      options: this.options,
    });
    this.metaCount++;
    replaceKept(stateTensors(this.metaState), stateTensors(output.metaState));
    this.metaState = output.metaState;
    this.main.setPhi(output.phi);
    this.rejectedCount.assign(tf.add(this.rejectedCount, tf.sub(1, tf.cast(output.accepted, 'float32'))));
    const logRates = rule.logLearningRate === undefined ? undefined : output.phi[rule.logLearningRate];
    this.feed.publish(advance.step, output, logRates, this.main.groups, this.main.factor(advance.step));
  }

  /** Sets log η by acceptance ratio on the first batch. */
  private calibrate(problem: ProximalProblem<B>, descent: BasePass, advance: Advance): void {
    const { phi } = this.main;
    const { rule } = advance;
    const parts = this.parts(advance);
    const entry = rule.logLearningRate!;
    const shape = phi[entry]!.shape;
    const given: tf.Scalar = tf.mean(phi[entry]!);
    const withLogRate = (logRate: tf.Tensor): TensorMap => ({
      ...phi,
      [entry]: tf.add(tf.zeros(shape), logRate),
    });
    const logRate = calibrateLogRate(
      descent.loss,
      tf.div(promisedDecrease(rule, entry, withLogRate(given), parts, descent), tf.exp(given)),
      (trial) => proximalTerms(problem, rule.apply(parts.start, withLogRate(trial), parts.direction)).q,
      given,
      this.options.calibration,
    );
    this.main.setPhi(withLogRate(logRate));
    this.calibrated = true;
  }

  learningRates(): Promise<Record<string, number>> {
    return this.main.learningRates(this.stepCount);
  }

  async statistics(): Promise<OptimizerStatistics> {
    const [rejected] = await this.rejectedCount.data();
    return {
      steps: this.stepCount,
      metaSteps: this.metaCount,
      rejected: rejected!,
      learningRates: await this.learningRates(),
      diagnostics: await this.main.diagnostics(),
    };
  }

  onMetaStep(listener: MetaStepListener): () => void {
    return this.feed.listen(listener);
  }

  flush(): Promise<void> {
    return this.feed.flush();
  }

  state(): OptimizerState {
    return {
      tensors: {
        ...this.main.tensors('rule'),
        ...this.warmup?.tensors('warmup'),
        ...flattenState('meta', this.metaState),
        rejected: this.rejectedCount,
      },
      values: {
        name: this.name,
        groups: this.main.groups,
        steps: this.stepCount,
        metaSteps: this.metaCount,
        calibrated: this.calibrated ? 1 : 0,
        random: this.random.state(),
      },
    };
  }

  restore({ tensors, values }: OptimizerState): void {
    checkState(this.state(), { tensors, values });
    this.main.restore('rule', tensors);
    this.warmup?.restore('warmup', tensors);
    this.metaState = restoreState('meta', this.metaState, tensors);
    // A copy, since a state of this very optimizer holds the counter itself.
    tf.tidy(() => this.rejectedCount.assign(tf.clone(tensors['rejected']!)));
    this.stepCount = values['steps'] as number;
    this.metaCount = values['metaSteps'] as number;
    this.calibrated = values['calibrated'] === 1;
    this.random.restore(values['random'] as readonly number[]);
  }

  dispose(): void {
    this.main.dispose();
    this.warmup?.dispose();
    tf.dispose(stateTensors(this.metaState));
    this.rejectedCount.dispose();
  }

  private seeded(batches: readonly B[]): SeededBatch<B>[] {
    return batches.map((batch) => ({ batch, seed: this.random.integer(0x7fffffff) }));
  }
}

function scaledBy(scale: number, schedule: Schedule | undefined): Schedule | undefined {
  return scale === 1 ? schedule : (step) => scale * (schedule?.(step) ?? 1);
}
