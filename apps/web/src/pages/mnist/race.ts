/** Two runs side by side: the same network from the same weights on the same batches, at a fixed and at a self-tuned rate. No loop and no messages: see session.ts. */
import * as tf from '@tensorflow/tfjs-core';
import type { BatchSource, Optimizer, SupervisedBatch } from '@apo/core';
import { classificationTask, exampleBatch } from '@apo/tasks';
import type { LabelledExamples, LabelledSplits, Model, TaskInstance } from '@apo/tasks';
import { RUNS } from './contract.js';
import type { ByRun, Evaluation, MetaStep, RunName, Timing } from './contract.js';
import { createModel, fixedOptimizer, tunedOptimizer } from './networks.js';
import type { MnistSettings } from './settings.js';

interface Runner {
  readonly model: Model;
  readonly task: TaskInstance<SupervisedBatch>;
  readonly optimizer: Optimizer<SupervisedBatch>;
  failedAt: number | null;
  timing: Timing;
}

/** What a number of steps gave. */
export interface Advance {
  readonly losses: ByRun<readonly number[]>;
  readonly metaSteps: readonly MetaStep[];
}

/** Steps whose times are not counted: the engine compiles then, and every step is a meta-step. */
export const WARMING_UP = 20;

export class Race {
  /** Steps taken so far. */
  step = 0;
  private readonly runners: ByRun<Runner>;
  private readonly source: BatchSource<SupervisedBatch>;
  private readonly test: SupervisedBatch;
  private previous: SupervisedBatch | undefined;
  private metaSteps: MetaStep[] = [];

  /** @throws ApoError as the models and optimizers do; nothing is left then. */
  constructor(settings: MnistSettings, data: LabelledSplits) {
    const runners = {} as Record<RunName, Runner>;
    try {
      for (const name of RUNS) runners[name] = this.runner(name, settings, data);
    } catch (error) {
      for (const runner of Object.values(runners)) disposeRunner(runner);
      throw error;
    }
    this.runners = runners;
    this.source = runners.fixed.task.trainSource(settings.seed, settings.batch);
    this.test = allOf(data.test);
    runners.tuned.optimizer.onMetaStep(({ step, q, accepted, learningRates }) => {
      this.metaSteps.push({ step, rate: learningRates['all']!, q: Number.isFinite(q) ? q : null, accepted });
    });
  }

  get failedAt(): ByRun<number | null> {
    return byRun((name) => this.runners[name].failedAt);
  }

  get timing(): ByRun<Timing> {
    return byRun((name) => this.runners[name].timing);
  }

  /** Trainable numbers of one network. */
  get parameters(): number {
    return this.runners.fixed.model.variables.reduce((sum, { size }) => sum + size, 0);
  }

  /** Whether neither run has anything left to lose. */
  get over(): boolean {
    return RUNS.every((name) => this.runners[name].failedAt !== null);
  }

  /**
   * Takes `count` steps of each run that has not failed, one run after the other so that each is timed by itself, and reads their
   * losses. How steps are grouped changes nothing but the times.
   */
  async advance(count: number): Promise<Advance> {
    const batches: SupervisedBatch[] = [];
    for (let i = 0; i < count; i++) batches.push(await this.source.next());
    const losses: Record<RunName, readonly number[]> = { fixed: [], tuned: [] };
    // Whoever comes first pays for bringing the batches to the engine.
    const order = this.step % 2 === 0 ? RUNS : RUNS.toReversed();
    try {
      for (const name of order) losses[name] = await this.run(this.runners[name], batches);
    } finally {
      if (this.previous !== undefined) this.source.release(this.previous);
      this.previous = batches.pop();
      batches.forEach((batch) => this.source.release(batch));
    }
    this.step += count;
    const { metaSteps } = this;
    this.metaSteps = [];
    const end = this.runners.tuned.failedAt ?? Infinity;
    return { losses, metaSteps: metaSteps.filter(({ step }) => step <= end) };
  }

  /** Lets both networks answer the test images. */
  async evaluate(): Promise<{ readonly evaluation: Evaluation; readonly answers: ByRun<Uint8Array> }> {
    const answers = {} as Record<RunName, Uint8Array>;
    const accuracy = {} as Record<RunName, number | null>;
    const labels = await this.test.targets.data();
    for (const name of RUNS) {
      const given = await this.answers(this.runners[name]);
      answers[name] = given;
      const right = given.reduce((sum, digit, i) => sum + (digit === labels[i] ? 1 : 0), 0);
      accuracy[name] = this.runners[name].failedAt === null ? right / given.length : null;
    }
    return { evaluation: { step: this.step, accuracy }, answers };
  }

  /** Probabilities of the ten digits, for 784 bytes. */
  async classify(image: Uint8Array): Promise<ByRun<readonly number[]>> {
    const input = exampleBatch(
      { inputs: image, labels: Uint8Array.of(0), exampleShape: [28, 28], classes: 10 },
      [0],
    );
    try {
      const outputs = RUNS.map((name) =>
        tf.tidy(() => tf.softmax(this.runners[name].model.predict(input.inputs))),
      );
      const [fixed, tuned] = await Promise.all(outputs.map((output) => output.data()));
      tf.dispose(outputs);
      return { fixed: Array.from(fixed!), tuned: Array.from(tuned!) };
    } finally {
      tf.dispose([input.inputs, input.targets]);
    }
  }

  /** Frees everything that the race has made. */
  dispose(): void {
    RUNS.forEach((name) => disposeRunner(this.runners[name]));
    tf.dispose([this.test.inputs, this.test.targets]);
    if (this.previous !== undefined) this.source.release(this.previous);
  }

  private runner(name: RunName, settings: MnistSettings, data: LabelledSplits): Runner {
    const model = createModel(settings.model, settings.seed, name);
    const task = classificationTask({ data, model, batchSize: settings.batch });
    const make = { fixed: fixedOptimizer, tuned: tunedOptimizer }[name];
    const optimizer = make(task.objective, settings);
    return { model, task, optimizer, failedAt: null, timing: { steps: 0, milliseconds: 0 } };
  }

  /** The losses of the batches, up to the first that is not finite. */
  private async run(runner: Runner, batches: readonly SupervisedBatch[]): Promise<readonly number[]> {
    if (runner.failedAt !== null) return [];
    const start = performance.now();
    const scalars = batches.map((batch, i) =>
      runner.optimizer.step(batch, batches[i - 1] ?? this.previous ?? batch, { returnLoss: true })!,
    );
    const stacked = tf.tidy(() => tf.stack(scalars));
    tf.dispose(scalars);
    const losses = Array.from(await stacked.data());
    stacked.dispose();
    await runner.optimizer.flush();
    if (this.step >= WARMING_UP) {
      const { steps, milliseconds } = runner.timing;
      runner.timing = {
        steps: steps + batches.length,
        milliseconds: milliseconds + performance.now() - start,
      };
    }
    const failed = losses.findIndex((loss) => !Number.isFinite(loss));
    if (failed === -1) return losses;
    runner.failedAt = this.step + failed + 1;
    return losses.slice(0, failed);
  }

  private async answers({ model }: Runner): Promise<Uint8Array> {
    const digits = tf.tidy(() => tf.argMax(model.predict(this.test.inputs), -1));
    const data = Uint8Array.from(await digits.data());
    digits.dispose();
    return data;
  }
}

function allOf(examples: LabelledExamples): SupervisedBatch {
  return exampleBatch(examples, Array.from(examples.labels.keys()));
}

function disposeRunner({ optimizer, task }: Runner): void {
  optimizer.dispose();
  task.dispose();
}

function byRun<T>(value: (name: RunName) => T): ByRun<T> {
  return { fixed: value('fixed'), tuned: value('tuned') };
}
