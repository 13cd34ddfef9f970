/** Runs something at θ′ and puts everything back, also when it throws: weights, and the averages that a forward pass moves. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from './errors.js';
import type { TensorMap } from './update-rule.js';

/** Values of variables, held beyond any later assignment. Costs no copy where the engine shares data between tensors. */
function snapshot(variables: readonly tf.Variable[]): tf.Tensor[] {
  return variables.map((variable) => tf.keep(tf.clone(variable as tf.Tensor)));
}

function putBack(variables: readonly tf.Variable[], saved: readonly tf.Tensor[]): void {
  variables.forEach((variable, i) => {
    variable.assign(saved[i]!);
    saved[i]!.dispose();
  });
}

function refuseAsync(result: unknown): void {
  if (result instanceof Promise) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      'The function given to a lookahead is asynchronous; it must finish while the variables are at θ′, so make it synchronous.',
    );
  }
}

/** Runs `body` and gives `variables` back the values they had. */
export function preserving<T>(variables: readonly tf.Variable[], body: () => T): T {
  if (variables.length === 0) return body();
  const saved = snapshot(variables);
  try {
    const result = body();
    refuseAsync(result);
    return result;
  } finally {
    putBack(variables, saved);
  }
}

/**
 * Runs `body` with every variable that `values` names (a tensor of its shape, owned by the caller) set to that value.
 * @throws whatever `body` throws, after everything was put back.
 */
export function atLookahead<T>(variables: readonly tf.Variable[], values: TensorMap, body: () => T): T {
  return preserving(variables, () => {
    for (const variable of variables) {
      const value = values[variable.name];
      if (value !== undefined) variable.assign(value);
    }
    return body();
  });
}
