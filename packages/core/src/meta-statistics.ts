/** Tells listeners about meta-steps: values are read asynchronously, in order, and only while somebody listens. */
import * as tf from '@tensorflow/tfjs-core';
import { gradientNorm } from './meta-step.js';
import type { MetaStepOutput } from './meta-step.js';
import type { MetaStepStatistics } from './optimizer.js';

export type MetaStepListener = (statistics: MetaStepStatistics) => void;

/** Q, its three terms, the gradient norm and the verdict stand before the learning rates in the vector that is read. */
const LEADING_VALUES = 6;

export class MetaStatisticsFeed {
  private readonly listeners = new Set<MetaStepListener>();
  private queue: Promise<void> = Promise.resolve();
  private failure: { error: unknown } | undefined;

  listen(listener: MetaStepListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Queues the values of one meta-step for reading; does nothing when nobody listens. `logRates` are logarithms `[groups]`. */
  publish(
    step: number,
    output: MetaStepOutput,
    logRates: tf.Tensor | undefined,
    groups: readonly string[],
    factor: number,
  ): void {
    if (this.listeners.size === 0) return;
    const vector = tf.tidy(() => {
      const { q, loss, fsd, wsd } = output.terms;
      const leading = tf.stack([
        q,
        loss,
        fsd,
        wsd,
        gradientNorm(output.gradient),
        tf.cast(output.accepted, 'float32'),
      ]);
      return tf.keep(logRates ? tf.concat([leading, tf.mul(tf.exp(logRates), factor)]) : leading);
    });
    const reading = vector.data().finally(() => vector.dispose());
    this.queue = this.queue
      .then(async () => {
        const values = await reading;
        const learningRates = Object.fromEntries(
          groups.map((group, i) => [group, values[LEADING_VALUES + i]!]),
        );
        const [q, loss, fsd, wsd, metaGradientNorm, accepted] = values as unknown as number[];
        const statistics: MetaStepStatistics = {
          step,
          q: q!,
          loss: loss!,
          fsd: fsd!,
          wsd: wsd!,
          metaGradientNorm: metaGradientNorm!,
          accepted: accepted === 1,
          learningRates,
        };
        for (const listener of this.listeners) this.tell(listener, statistics);
      })
      .catch((error: unknown) => {
        this.failure ??= { error };
      });
  }

  /** An error in one listener does not keep the others from hearing. */
  private tell(listener: MetaStepListener, statistics: MetaStepStatistics): void {
    try {
      listener(statistics);
    } catch (error) {
      this.failure ??= { error };
    }
  }

  async flush(): Promise<void> {
    await this.queue;
    if (this.failure) {
      const { error } = this.failure;
      this.failure = undefined;
      throw error;
    }
  }
}
