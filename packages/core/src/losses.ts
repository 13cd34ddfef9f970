/** Mean losses by name, each with the divergence that belongs to it. */
import * as tf from '@tensorflow/tfjs-core';
import type { DivergenceName } from './divergence.js';
import { ApoError, requireArgument } from './errors.js';

export type LossName =
  /** Cross-entropy of softmax(logits) with integer labels `[batch]` or one-hot/soft labels `[batch, classes]`; mean over the batch. */
  | 'softmax-cross-entropy'
  /** Bernoulli cross-entropy of sigmoid(logits) with targets in [0, 1]; summed over outputs, mean over the batch. */
  | 'sigmoid-cross-entropy'
  /** ½ squared error; summed over outputs, mean over the batch. */
  | 'squared-error';

export interface NamedLoss {
  readonly loss: (outputs: tf.Tensor, targets: tf.Tensor) => tf.Scalar;
  readonly divergence: DivergenceName;
}

const table: Record<LossName, NamedLoss> = {
  'softmax-cross-entropy': {
    divergence: 'softmax-kl-logits',
    loss: (logits, targets) =>
      tf.tidy(() => {
        requireArgument(
          sameShape(targets, logits.shape) || sameShape(targets, logits.shape.slice(0, -1)),
          () =>
            `softmax-cross-entropy: the targets are [${targets.shape.join(', ')}] and the logits [${logits.shape.join(', ')}]; expected class numbers [${logits.shape.slice(0, -1).join(', ')}] or probabilities of the logits' shape.`,
        );
        const labels =
          targets.rank === logits.rank
            ? targets
            : tf.oneHot(tf.cast(targets, 'int32'), logits.shape[logits.rank - 1]!);
        const perExample = tf.neg(tf.sum(tf.mul(tf.cast(labels, 'float32'), tf.logSoftmax(logits)), -1));
        return tf.mean(perExample);
      }),
  },
  'sigmoid-cross-entropy': {
    divergence: 'bernoulli-kl-logits',
    loss: (logits, targets) =>
      tf.tidy(() => {
        requireSameShape('sigmoid-cross-entropy', logits, targets);
        const elements = tf.sub(tf.softplus(logits), tf.mul(targets, logits));
        return tf.div(tf.sum(elements), logits.shape[0]);
      }),
  },
  'squared-error': {
    divergence: 'squared-error',
    loss: (outputs, targets) => {
      requireSameShape('squared-error', outputs, targets);
      return tf.tidy(() => tf.div(tf.sum(tf.square(tf.sub(outputs, targets))), 2 * outputs.shape[0]));
    },
  },
};

function sameShape(tensor: tf.Tensor, shape: readonly number[]): boolean {
  return tensor.shape.join() === shape.join();
}

/** Without this, [4, 1] against [4] would broadcast to [4, 4]. */
function requireSameShape(loss: LossName, outputs: tf.Tensor, targets: tf.Tensor): void {
  requireArgument(
    sameShape(targets, outputs.shape),
    () =>
      `${loss}: the targets are [${targets.shape.join(', ')}] and the outputs [${outputs.shape.join(', ')}]; expected the same shape.`,
  );
}

/** The loss called `name`. @throws ApoError `INVALID_ARGUMENT` for an unknown name. */
export function losses(name: LossName): NamedLoss {
  const found = (table as Partial<Record<string, NamedLoss>>)[name];
  if (found === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `Unknown loss "${name}"; expected one of ${Object.keys(table).join(', ')}, or a function of (outputs, batch).`,
    );
  }
  return found;
}
