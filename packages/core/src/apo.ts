/** Amortized Proximal Optimization: Algorithm 1 of arXiv 2203.00089, for any update rule on any objective. */
import * as tf from '@tensorflow/tfjs-core';
import { resolveApoOptions } from './apo-options.js';
import type { ApoOptions, ResolvedApoOptions } from './apo-options.js';
import { zeroSlots } from './base-direction.js';
import { basePass } from './base-pass.js';
import type { BasePass, SeededBatch } from './base-pass.js';
import { calibrateLogRate } from './calibration.js';
import { MetaStatisticsFeed } from './meta-statistics.js';
import type { MetaStepListener } from './meta-statistics.js';
import { lookaheadParts, metaStep } from './meta-step.js';
import type { LookaheadParts } from './meta-step.js';
import type { Objective } from './objective.js';
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
import { checkTensors, restoreState, RuleRunner } from './rule-runner.js';
import { flattenState, innerProduct, replaceKept, stateTensors } from './tensor-map.js';
import type { RuleState, TensorMap, UpdateRule } from './update-rule.js';

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
   * @param rule The rule whose φ is learned: `sgd()`, `momentum()`, `rmsprop()`, `adam()`, `adamw()` or one of your own.
   * @param options See `ApoOptions`; the default preset `auto` needs nothing chosen.
   * @throws ApoError `INVALID_ARGUMENT` or `UNSUPPORTED`.
   */
  constructor(
    readonly objective: Objective<B>,
    rule: UpdateRule,
    options: ApoOptions = {},
  ) {
    requireUniqueNames(objective.variables);
    this.options = resolveApoOptions(rule, options);
    this.name = `${rule.name}-apo`;
    this.random = createRandom(this.options.seed ?? 0);
    this.main = new RuleRunner(rule, objective.variables, this.options.schedule);
    this.warmup =
      this.options.warmup &&
      new RuleRunner(this.options.warmup.rule, objective.variables, this.options.schedule);
    this.metaState = tf.tidy(() => {
      const state = zeroSlots(this.options.metaOptimizer.base.slots, this.main.phi);
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
    const isMetaStep =
      this.stepCount < this.options.denseSteps || this.stepCount % this.options.interval === 0;
    const own = this.seeded(batchList(batch));
    const second = other === undefined ? own : this.seeded(batchList(other));
    const { lossBatch, fsdBatch, lambdaFsd, lambdaWsd } = this.options;
    const fsdBatches = fsdBatch === 'same' ? own : second;
    const needsFsd = isMetaStep && lambdaFsd > 0;
    let kept: BasePass['outputs'] = [];
    try {
      return tf.tidy(() => {
        const base = basePass(this.objective, own, {
          keepOutputs: needsFsd && fsdBatches === own,
          ...(options.onOutputs && { onOutputs: options.onOutputs }),
        });
        kept = base.outputs;
        this.stepCount++;
        const gradients = this.options.clip?.(base.gradients) ?? base.gradients;
        const advance = this.main.advance(
          gradients,
          this.stepCount,
          isMetaStep && this.options.lookahead === 'committed',
        );
        if (isMetaStep) {
          const problem: ProximalProblem<B> = {
            objective: this.objective,
            weights: { lambdaFsd, lambdaWsd },
            lossBatches: lossBatch === 'same' ? own : second,
            fsdBatches,
            previous: !needsFsd
              ? []
              : fsdBatches === own
                ? base.outputs
                : predictions(this.objective, fsdBatches),
          };
          const { rule, variables } = this.main;
          const parts = (): LookaheadParts =>
            lookaheadParts(rule, variables, this.main.phi, advance, this.options.lookahead);
          if (this.options.calibration && !this.calibrated) this.calibrate(problem, base, parts());
          this.adapt(problem, base, parts());
        }
        const inWarmup = this.options.warmup !== undefined && this.stepCount <= this.options.warmup.steps;
        if (inWarmup) this.warmup!.commit(this.warmup!.advance(gradients, this.stepCount));
        this.main.commit(advance, !inWarmup);
        return options.returnLoss ? base.loss : undefined;
      });
    } finally {
      tf.dispose(kept.flat());
    }
  }

  /** φ moves; θ does not. */
  private adapt(problem: ProximalProblem<B>, base: BasePass, parts: LookaheadParts): void {
    const { rule, phi } = this.main;
    this.metaCount++;
    const output = metaStep({
      problem,
      rule,
      phi,
      parts,
      descent: base,
      metaState: this.metaState,
      metaStep: this.metaCount,
      options: this.options,
    });
    replaceKept(stateTensors(this.metaState), stateTensors(output.metaState));
    this.metaState = output.metaState;
    this.main.setPhi(output.phi);
    this.rejectedCount.assign(tf.add(this.rejectedCount, tf.sub(1, tf.cast(output.accepted, 'float32'))));
    const logRates = rule.logLearningRate === undefined ? undefined : output.phi[rule.logLearningRate];
    this.feed.publish(this.stepCount, output, logRates, this.main.groups, this.main.factor(this.stepCount));
  }

  /** Sets log η by acceptance ratio on the first batch. */
  private calibrate(problem: ProximalProblem<B>, base: BasePass, { start, direction }: LookaheadParts): void {
    const { rule, phi } = this.main;
    const entry = rule.logLearningRate!;
    const shape = phi[entry]!.shape;
    const withLogRate = (logRate: tf.Tensor): TensorMap => ({
      ...phi,
      [entry]: tf.add(tf.zeros(shape), logRate),
    });
    const logRate = calibrateLogRate(
      base.loss,
      innerProduct(base.gradients, direction),
      (trial) => proximalTerms(problem, rule.apply(start, withLogRate(trial), direction)).q,
      tf.mean(phi[entry]!),
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
        steps: this.stepCount,
        metaSteps: this.metaCount,
        calibrated: this.calibrated ? 1 : 0,
        random: this.random.state(),
      },
    };
  }

  restore({ tensors, values }: OptimizerState): void {
    checkTensors(this.state().tensors, tensors);
    this.main.restore('rule', tensors);
    this.warmup?.restore('warmup', tensors);
    this.metaState = restoreState('meta', this.metaState, tensors);
    this.rejectedCount.assign(tensors['rejected']!);
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
