/** Names of variables are unique in a program: TensorFlow.js registers them in one table. Checked before any is made. */
import * as tf from '@tensorflow/tfjs-core';
import { requireArgument } from '@apo/core';

/** @throws ApoError `INVALID_ARGUMENT` when a living variable has one of `names`. */
export function requireFreeNames(names: readonly string[]): void {
  const taken = names.find((name) => tf.engine().registeredVariables[name] !== undefined);
  requireArgument(
    taken === undefined,
    () =>
      `A variable called "${String(taken)}" already exists; dispose the model that owns it, or give this one a name of its own.`,
  );
}
