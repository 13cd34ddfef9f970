/**
 * Keeps gradients that are not finite out of the weights without reading anything: the check runs on the engine, such a step is
 * left out there, and the next time numbers are read anyway an error names the variables.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import type { TensorMap } from '@apo/core';
import { read } from './needs.js';
import type { Needs } from './needs.js';

export class FiniteGuard {
  /** Steps left out. */
  private skipped: tf.Tensor = tf.keep(tf.scalar(0));
  /** Broken steps by group since the last reading. */
  private since: tf.Tensor | undefined;

  /**
   * Reads `broken` `[groups]` and what came before it.
   * @param consequence What the caller does about it, a sentence for the message; called only then.
   * @throws ApoError `NON_FINITE` that names the groups.
   */
  *require(broken: tf.Tensor, names: readonly string[], consequence: () => string): Needs<void> {
    const [now, earlier] = yield* read([broken, this.since ?? broken]);
    const flagged = (flags: Float32Array): string =>
      names
        .filter((_, i) => flags[i]! > 0)
        .map((name) => `"${name}"`)
        .join(', ');
    const [brokenNow, brokenBefore] = [flagged(now!), flagged(earlier!)];
    if (brokenNow === '' && brokenBefore === '') return;
    this.since?.dispose();
    this.since = undefined;
    const what =
      brokenNow === ''
        ? `of ${brokenBefore} was not finite in an earlier step, which was left out`
        : `of ${brokenNow} is not finite in this step`;
    throw new ApoError(
      'NON_FINITE',
      `The gradient ${what}. The weights are unchanged and the last inverses are kept; ${consequence()} Look at the batch and the learning rate.`,
    );
  }

  /** Takes note of a step; `wasRead` when `require` has seen everything before it. Run inside `tf.tidy`. */
  note(isFinite: tf.Tensor, broken: tf.Tensor, wasRead: boolean): void {
    const skipped = tf.add(this.skipped, tf.sub(1, tf.cast(isFinite, 'float32')));
    const since = this.since && !wasRead ? tf.add(this.since, broken) : tf.clone(broken);
    this.skipped.dispose();
    this.since?.dispose();
    this.skipped = tf.keep(skipped);
    this.since = tf.keep(since);
  }

  async skippedSteps(): Promise<number> {
    return (await this.skipped.data())[0]!;
  }

  /** For checkpoints; the tensors stay the guard's. */
  tensors(): TensorMap {
    return { skipped: this.skipped, ...(this.since && { brokenSince: this.since }) };
  }

  /** The shapes that a checkpoint with these tensors must have. */
  static shapes(tensors: TensorMap, groups: number): Record<string, readonly number[]> {
    return { skipped: [], ...(tensors['brokenSince'] && { brokenSince: [groups] }) };
  }

  /** Copies what `tensors` gave, which may be this guard's own. */
  restore(tensors: TensorMap): void {
    const skipped = tf.keep(tf.clone(tensors['skipped']!));
    const since = tensors['brokenSince'] && tf.keep(tf.clone(tensors['brokenSince']));
    this.dispose();
    this.skipped = skipped;
    this.since = since;
  }

  dispose(): void {
    this.skipped.dispose();
    this.since?.dispose();
    this.since = undefined;
  }
}

/** True where all of `scalars` are finite: x − x is 0 for those and NaN for the others. */
export function allFinite(scalars: readonly tf.Tensor[]): tf.Tensor {
  const stacked = tf.stack([...scalars]);
  return tf.all(tf.equal(tf.sub(stacked, stacked), 0));
}

/** 1 for each group of tensors that holds one that is not finite, `[groups]`. */
export function brokenFlags(groups: readonly (readonly tf.Tensor[])[]): tf.Tensor {
  const flags = groups.map((tensors) =>
    tf.sub(1, tf.cast(allFinite(tensors.map((tensor): tf.Tensor => tf.sum(tensor))), 'float32')),
  );
  return tf.stack(flags);
}
