/**
 * Lets any optimizer of this package take the steps inside an existing model's `fit`, `fitDataset` and `trainOnBatch`, by
 * standing in for the model's own train function. It changes that one method of this one model, and gives it back.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, ModelCompileArgs } from '@tensorflow/tfjs-layers';
import { keptCopy } from '../base-pass.js';
import { requireArgument } from '../errors.js';
import { compiledMetrics, fromLayersModel } from './layers-model.js';
import type { LayersBatch, LayersModelOptions } from './layers-model.js';
import { compiledModel, trainableVariables } from './layers-model-internals.js';
import type { CompiledModel, TrainFunction } from './layers-model-internals.js';
import type { Objective } from '../objective.js';
import type { MetaStepStatistics, OpenStep, Optimizer, StepOptions } from '../optimizer.js';
import { disposeBatch, keptBatch } from './kept-batch.js';
import { stepWaiter } from './step-waiter.js';
import type { StepWaiter } from './step-waiter.js';
import { takeOver } from './take-over.js';

export interface AttachOptimizerOptions extends LayersModelOptions {
  /** Give the previous batch to each step as B′ (default true; it stays in memory for one more step). */
  readonly keepPreviousBatch?: boolean;
}

/** What ties an optimizer to a model. */
export interface Attachment<O extends Optimizer<LayersBatch> = Optimizer<LayersBatch>> {
  /** The optimizer at work. Replaced only when the model was compiled anew with other trainable variables. */
  readonly optimizer: O;
  readonly objective: Objective<LayersBatch>;
  /** Current learning rates by group (`all` when there is one). */
  learningRates(): Promise<Record<string, number>>;
  /** Calls `listener` after each meta-step, also when the optimizer has been replaced since. Returns the way to stop. */
  onMetaStep(listener: (statistics: MetaStepStatistics) => void): () => void;
  /** Resolves when every listener has heard of every meta-step so far. */
  flush(): Promise<void>;
  /**
   * A callback for `fit` and `fitDataset` that lets steps which have to read from the engine (KFAC's and Shampoo's when they
   * invert) do so without blocking, after the batch's loss is known and before anything else uses the weights. Without it,
   * and in `trainOnBatch`, such steps read and invert while they run; the numbers are the same.
   */
  waitForSteps(): StepWaiter;
  /** The model trains with its compiled optimizer again, from the next batch on; this optimizer and its state stay usable. */
  detach(): void;
  /** Detaches and disposes the optimizer. */
  dispose(): void;
}

/**
 * Makes `model` take its training steps with `makeOptimizer(objective)`: from then on `fit`, `fitDataset` and `trainOnBatch`
 * report the same loss and metrics as before (values before the step, in the same order), and the compiled optimizer idles.
 * Works for `tf.Sequential` and functional models. After another `model.compile(...)` it stays attached and uses the new
 * losses and metrics; when other variables are trainable then (frozen or added layers), a new optimizer is made and takes
 * over the state of all that stayed. A batch is one step; B′ is the previous batch, at first the batch itself.
 * @throws ApoError as `fromLayersModel`; `INVALID_ARGUMENT` when the model is already attached.
 */
export function attachOptimizer<O extends Optimizer<LayersBatch>>(
  model: LayersModel,
  makeOptimizer: (objective: Objective<LayersBatch>) => O,
  options: AttachOptimizerOptions = {},
): Attachment<O> {
  requireArgument(
    !Object.hasOwn(compiledModel(model), 'makeTrainFunction'),
    () => 'An optimizer is already attached to this model; call detach() on it first.',
  );
  return new ModelAttachment(model, makeOptimizer, options);
}

class ModelAttachment<O extends Optimizer<LayersBatch>> implements Attachment<O> {
  private current: O;
  private previous: LayersBatch | undefined;
  private hooked: CompiledModel | undefined;
  /** Somebody waits at the end of the batch that comes next. */
  private isAwaited = false;
  private open: { readonly step: OpenStep; readonly batch: LayersBatch } | undefined;
  private readonly listeners = new Map<(statistics: MetaStepStatistics) => void, () => void>();

  constructor(
    private readonly model: LayersModel,
    private readonly makeOptimizer: (objective: Objective<LayersBatch>) => O,
    private readonly options: AttachOptimizerOptions,
  ) {
    this.current = makeOptimizer(fromLayersModel(model, options));
    const inner = this.hookTrainFunction();
    if ((inner as unknown) !== model) this.hookCompile();
  }

  get optimizer(): O {
    return this.current;
  }

  get objective(): Objective<LayersBatch> {
    return this.current.objective;
  }

  learningRates(): Promise<Record<string, number>> {
    return this.current.learningRates();
  }

  onMetaStep(listener: (statistics: MetaStepStatistics) => void): () => void {
    const own = (statistics: MetaStepStatistics): void => listener(statistics);
    this.listeners.set(own, this.current.onMetaStep(own));
    return () => {
      this.listeners.get(own)?.();
      this.listeners.delete(own);
    };
  }

  flush(): Promise<void> {
    return this.current.flush();
  }

  waitForSteps(): StepWaiter {
    return stepWaiter({
      expect: () => {
        this.isAwaited = true;
      },
      settle: () => this.endStep(({ step }) => step.finish()),
    });
  }

  detach(): void {
    if (this.hooked === undefined) return;
    for (const name of ['makeTrainFunction', 'makeTestFunction']) Reflect.deleteProperty(this.hooked, name);
    this.abandonStep();
    if ((this.hooked as unknown) !== this.model) Reflect.deleteProperty(this.model, 'compile');
    this.hooked = undefined;
    this.forgetBatch();
  }

  dispose(): void {
    this.detach();
    for (const stop of this.listeners.values()) stop();
    this.listeners.clear();
    this.current.dispose();
  }

  private hookTrainFunction(): CompiledModel {
    const inner = compiledModel(this.model);
    override(inner, 'makeTrainFunction', (): TrainFunction => {
      this.followVariables();
      // Every training begins here. One that broke off between the begin of a batch and its step leaves this behind.
      this.isAwaited = false;
      // A training that is under way goes on with the compiled optimizer from the batch after `detach`.
      return (data) =>
        this.hooked ? this.trainStep(data) : compiledModel(this.model).makeTrainFunction()(data);
    });
    // `fit` validates in the same breath as it takes an epoch's last step, before any callback.
    const makeTestFunction = inner.makeTestFunction.bind(inner);
    override(inner, 'makeTestFunction', () => {
      makeTestFunction();
      const test = inner.testFunction!;
      inner.testFunction = (data) => {
        this.endStep(({ step }) => step.finishNow());
        return test(data);
      };
    });
    this.hooked = inner;
    return inner;
  }

  /** A Sequential trains an inner model and makes a new one at every `compile`. */
  private hookCompile(): void {
    const compile = this.model.compile.bind(this.model);
    override(this.model, 'compile', (args: ModelCompileArgs) => {
      compile(args);
      this.hookTrainFunction();
    });
  }

  private trainStep(data: readonly (tf.Tensor | null | undefined)[]): tf.Scalar[] {
    const model = compiledModel(this.model);
    const [targetsStart, targetsEnd] = [model.inputs.length, model.inputs.length + model.outputs.length];
    const batch: LayersBatch = {
      inputs: data.slice(0, targetsStart) as tf.Tensor[],
      targets: data.slice(targetsStart, targetsEnd) as tf.Tensor[],
      sampleWeights: data.slice(targetsEnd, targetsEnd + model.outputs.length),
    };
    this.abandonStep();
    const isAwaited = this.isAwaited;
    this.isAwaited = false;
    let outputs: tf.Tensor[] = [];
    try {
      return tf.tidy(() => {
        const options: StepOptions = {
          returnLoss: true,
          onOutputs: (f) => {
            outputs = [keptCopy(f)].flat();
          },
        };
        const loss = isAwaited
          ? this.beginStep(batch, options)
          : this.current.step(batch, this.previous, options);
        this.rememberBatch(batch);
        // Outside the step, so that no gradient is recorded for the metrics and an error in one leaves nothing behind.
        return [loss!, ...compiledMetrics(this.model, outputs, batch)];
      });
    } finally {
      tf.dispose(outputs);
    }
  }

  /** A step that may stay open until its batch ends; its loss. */
  private beginStep(batch: LayersBatch, options: StepOptions): tf.Scalar | undefined {
    const kept = keptBatch(batch);
    let step: OpenStep | undefined;
    try {
      step = this.current.openStep?.(kept, this.previous, options);
      if (step === undefined) return this.current.step(batch, this.previous, options);
      if (!step.isComplete) this.open = { step, batch: kept };
      return step.loss;
    } finally {
      if (this.open === undefined) disposeBatch(kept);
    }
  }

  /** Ends an open step, if there is one, and lets go of its batch, also when that throws. */
  private endStep<T>(end: (open: { readonly step: OpenStep }) => T): T | undefined {
    const { open } = this;
    if (open === undefined) return undefined;
    this.open = undefined;
    const release = (): void => disposeBatch(open.batch);
    let result: T;
    try {
      result = end(open);
    } catch (error) {
      release();
      throw error;
    }
    if (result instanceof Promise) return result.finally(release) as T;
    release();
    return result;
  }

  /** A training that broke off between the halves of a step leaves one open. */
  private abandonStep(): void {
    this.endStep(({ step }) => step.discard());
  }

  private rememberBatch(batch: LayersBatch): void {
    this.forgetBatch();
    if (this.options.keepPreviousBatch !== false) this.previous = keptBatch(batch);
  }

  private forgetBatch(): void {
    if (this.previous) disposeBatch(this.previous);
    this.previous = undefined;
  }

  /** A new optimizer when the model would now train other variables than the present one does. */
  private followVariables(): void {
    const wanted = trainableVariables(compiledModel(this.model));
    const { variables } = this.current.objective;
    if (wanted.length === variables.length && wanted.every((variable, i) => variable === variables[i]))
      return;
    const next = this.makeOptimizer(fromLayersModel(this.model, this.options));
    this.abandonStep();
    takeOver(next, this.current.state());
    this.current.dispose();
    this.current = next;
    this.forgetBatch();
    for (const listener of this.listeners.keys()) this.listeners.set(listener, next.onMetaStep(listener));
  }
}

/** Puts an own method in front of the prototype's; `Reflect.deleteProperty` brings the latter back. */
function override(target: object, name: string, method: (...args: never[]) => unknown): void {
  Object.defineProperty(target, name, { value: method, configurable: true, writable: true });
}
