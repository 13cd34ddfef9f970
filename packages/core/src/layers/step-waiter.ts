/** The callback that finishes steps of an attached optimizer at the end of their batches. A plain object: nothing of tfjs-layers is loaded for it. */

/** Fits `tf.CustomCallbackArgs`, and also works inside a list that begins with a `tf.Callback`. */
export interface StepWaiter {
  onTrainBegin(): void;
  onTrainEnd(): void;
  onEpochBegin(): void;
  onEpochEnd(): void;
  onBatchBegin(): void;
  onBatchEnd(): Promise<void>;
  setParams(params: unknown): void;
  setModel(model: unknown): void;
}

/** What is told by the callback. */
export interface AwaitedSteps {
  /** The batch that begins will have its end awaited. */
  expect(): void;
  /** Finishes the step of the batch that ends. */
  settle(): Promise<void> | undefined;
}

/** Callbacks listed before it see the weights as they were before the step at the end of a batch: put it first. */
export function stepWaiter({ expect, settle }: AwaitedSteps): StepWaiter {
  return {
    onTrainBegin: nothing,
    onTrainEnd: nothing,
    onEpochBegin: nothing,
    onEpochEnd: nothing,
    onBatchBegin: expect,
    async onBatchEnd() {
      await settle();
    },
    setParams: nothing,
    setModel: nothing,
  };
}

function nothing(): void {
  // tfjs calls these on every callback; there is nothing to do.
}
