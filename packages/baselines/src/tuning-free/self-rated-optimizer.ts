/** An optimizer around a rule that carries its own learning rate in its state: a `RuleOptimizer` that also reports that rate. */
import type * as tf from '@tensorflow/tfjs-core';
import { RuleOptimizer } from '@apo/core';
import type {
  MicroBatches,
  Objective,
  Optimizer,
  OptimizerState,
  OptimizerStatistics,
  StepOptions,
  StepperOptions,
  UpdateRule,
} from '@apo/core';

/** Owns the rule's state (`dispose` frees it), never the variables. */
export class SelfRatedOptimizer<B> implements Optimizer<B> {
  readonly name: string;
  private readonly inner: RuleOptimizer<B>;

  /** @param rateSlot The slot of the rule's state whose entry `all` `[]` is the rate. */
  constructor(
    readonly objective: Objective<B>,
    rule: UpdateRule,
    private readonly rateSlot: string,
    private readonly stepper: StepperOptions = {},
    private readonly factor: (step: number) => number = () => 1,
  ) {
    this.name = rule.name;
    this.inner = new RuleOptimizer(objective, rule, stepper);
  }

  get steps(): number {
    return this.inner.steps;
  }

  /** `other` is not used: there is no meta-objective. */
  step(
    batch: B | MicroBatches<B>,
    other?: B | MicroBatches<B>,
    options?: StepOptions,
  ): tf.Scalar | undefined {
    return this.inner.step(batch, other, options);
  }

  /** The rate of the last step, schedule included. */
  async learningRates(): Promise<Record<string, number>> {
    const [rate] = await this.inner.state().tensors[`rule/state/${this.rateSlot}/all`]!.data();
    const step = Math.max(this.steps, 1);
    return { all: rate! * (this.stepper.schedule?.(step) ?? 1) * this.factor(step) };
  }

  async statistics(): Promise<OptimizerStatistics> {
    return { ...(await this.inner.statistics()), learningRates: await this.learningRates() };
  }

  /** Never calls the listener: there are no meta-steps. */
  onMetaStep(): () => void {
    return this.inner.onMetaStep();
  }

  flush(): Promise<void> {
    return this.inner.flush();
  }

  state(): OptimizerState {
    return this.inner.state();
  }

  restore(state: OptimizerState): void {
    this.inner.restore(state);
  }

  dispose(): void {
    this.inner.dispose();
  }
}
