/** Remembers the variables of the best evaluation and puts them back. Which one is the best is decided by `early-stopping.ts`. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '../update-rule.js';

/** Owns one copy of the variables; `dispose` frees it. */
export class BestWeights {
  private kept: TensorMap = {};

  constructor(private readonly variables: readonly tf.Variable[]) {}

  /** What is remembered, by variable name; empty before the first `capture`. Stays owned by this object. */
  get tensors(): TensorMap {
    return this.kept;
  }

  /** Remembers the variables as they are (or `tensors` by the same names, as read from a checkpoint), instead of what was remembered. */
  capture(tensors?: TensorMap): void {
    const next = Object.fromEntries(
      this.variables.map((variable) => [
        variable.name,
        tf.keep(tf.clone(tensors?.[variable.name] ?? variable)),
      ]),
    );
    this.dispose();
    this.kept = next;
  }

  /** Assigns what is remembered; false when nothing is. */
  restore(): boolean {
    const remembered = Object.keys(this.kept).length > 0;
    if (remembered) for (const variable of this.variables) variable.assign(this.kept[variable.name]!);
    return remembered;
  }

  dispose(): void {
    tf.dispose(Object.values(this.kept));
    this.kept = {};
  }
}
