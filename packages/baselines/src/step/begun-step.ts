/** A step that has begun and moved nothing yet, and the handle to it that an `openStep` returns. */
import * as tf from '@tensorflow/tfjs-core';
import type { MicroBatches, OpenStep, Outputs } from '@apo/core';
import type { BeforePass } from './before-pass.js';

/** What one step has computed so far; its tensors are kept until `dispose`. */
export interface PendingStep {
  /** J_B(θ) before the step. */
  readonly loss: tf.Scalar;
  dispose(): void;
}

/** Ends with `complete` or `abandon`. */
export class BegunStep<B, P extends PendingStep> {
  /** Set when all was read ahead: the batch with which `step` may take the step up. */
  preparedFor: { readonly batch: B | MicroBatches<B> } | undefined;
  /** The variables have moved. */
  isComplete = false;

  constructor(
    readonly pending: P,
    /** Copies for the listener of a later `step`. */
    readonly outputs: readonly Outputs[],
    private readonly before: BeforePass,
  ) {}

  isPreparedFor(batch: B | MicroBatches<B>): boolean {
    return this.preparedFor !== undefined && this.preparedFor.batch === batch;
  }

  /** The random generator before the step drew from it. */
  get randomState(): readonly number[] {
    return this.before.randomState;
  }

  /** The step is taken. */
  complete(): void {
    this.isComplete = true;
    this.free();
    this.before.dispose();
  }

  /** A step that is not taken has never been. */
  abandon(): void {
    this.free();
    this.before.putBack();
  }

  private free(): void {
    this.pending.dispose();
    tf.dispose(this.outputs.flat());
  }
}

/** The ways to end a step that is open; none is called when it is over. */
export interface StepEnds {
  isOpen(): boolean;
  finish(): Promise<void>;
  finishNow(): void;
  discard(): void;
}

/** The handle to `begun`. The caller disposes `loss`. */
export function openStepOf(
  begun: BegunStep<unknown, PendingStep>,
  loss: tf.Scalar | undefined,
  ends: StepEnds,
): OpenStep {
  let finishing: Promise<void> | undefined;
  return {
    loss,
    get isComplete() {
      return begun.isComplete;
    },
    finish: () => (ends.isOpen() ? (finishing ??= ends.finish()) : Promise.resolve()),
    finishNow: () => {
      if (ends.isOpen()) ends.finishNow();
    },
    discard: () => {
      if (ends.isOpen()) ends.discard();
    },
  };
}

/** The handle to a step that had nothing to wait for. */
export function completeStep(loss: tf.Scalar | undefined): OpenStep {
  return { loss, isComplete: true, finish: () => Promise.resolve(), finishNow: nothing, discard: nothing };
}

function nothing(): void {
  // It is complete.
}
