/** A rule at a fixed (or scheduled) φ: SGD, momentum, RMSprop, Adam(W) as one knows them, with the same contract as `Apo`. */
import * as tf from '@tensorflow/tfjs-core';
import type { StepperOptions } from './apo-options.js';
import { layeredPass } from './layered-pass.js';
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
import { createRandom } from './random.js';
import { checkState, RuleRunner } from './rule-runner.js';
import type { UpdateRule } from './update-rule.js';

/** Steps of one rule on one objective at the rule's initial φ. It owns the rule's state (`dispose` frees it), never the variables. */
export class RuleOptimizer<B> implements Optimizer<B> {
  readonly name: string;
  private readonly runner: RuleRunner;
  private readonly random;
  private stepCount = 0;

  constructor(
    readonly objective: Objective<B>,
    rule: UpdateRule,
    private readonly options: StepperOptions = {},
  ) {
    requireUniqueNames(objective.variables);
    this.name = rule.name;
    this.random = createRandom(options.seed ?? 0);
    this.runner = new RuleRunner(rule, objective.variables, options.schedule);
  }

  get steps(): number {
    return this.stepCount;
  }

  /** `other` is not used: there is no meta-objective. */
  step(
    batch: B | MicroBatches<B>,
    _other?: B | MicroBatches<B>,
    options: StepOptions = {},
  ): tf.Scalar | undefined {
    const batches = batchList(batch).map((one) => ({ batch: one, seed: this.random.integer(0x7fffffff) }));
    return tf.tidy(() => {
      const { clip } = this.options;
      const base = layeredPass(
        this.objective,
        batches,
        options.onOutputs ? { onOutputs: options.onOutputs } : {},
        clip === undefined ? this.runner.wantedLayers : undefined,
      );
      this.runner.move(clip?.(base.gradients) ?? base.gradients, this.stepCount + 1, base.layers);
      this.stepCount++;
      return options.returnLoss ? base.loss : undefined;
    });
  }

  learningRates(): Promise<Record<string, number>> {
    return this.runner.learningRates(this.stepCount);
  }

  async statistics(): Promise<OptimizerStatistics> {
    return {
      steps: this.stepCount,
      metaSteps: 0,
      rejected: 0,
      learningRates: await this.learningRates(),
      diagnostics: await this.runner.diagnostics(),
    };
  }

  /** Never calls the listener: there are no meta-steps. */
  onMetaStep(): () => void {
    return () => undefined;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  state(): OptimizerState {
    return {
      tensors: this.runner.tensors('rule'),
      values: {
        name: this.name,
        groups: this.runner.groups,
        steps: this.stepCount,
        random: this.random.state(),
      },
    };
  }

  restore({ tensors, values }: OptimizerState): void {
    checkState(this.state(), { tensors, values });
    this.runner.restore('rule', tensors);
    this.stepCount = values['steps'] as number;
    this.random.restore(values['random'] as readonly number[]);
  }

  dispose(): void {
    this.runner.dispose();
  }
}
