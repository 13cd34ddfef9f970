/** What the tasks need of a model: variables and a forward pass. Losses and data belong elsewhere. */
import type * as tf from '@tensorflow/tfjs-core';

export interface Model {
  /** Trainable, in the order of the layers; owned by the model. */
  readonly variables: readonly tf.Variable[];
  /** f(x, θ); the caller owns the result. */
  predict(inputs: tf.Tensor): tf.Tensor;
  /** Disposes the variables and frees their names. */
  dispose(): void;
}
