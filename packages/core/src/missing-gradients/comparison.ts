/**
 * Gradients of comparisons and of logical operations: zero, since their outputs are constant but for jumps. With them
 * `where(greater(x, 0), …, …)` can be differentiated through x; tfjs-core has that of `greaterEqual` alone. A truth value that
 * nothing was made of, a function whose value it is itself, has no derivative: that is refused, as tfjs-core does.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '../errors.js';

export const comparisonGradients: readonly tf.GradConfig[] = [
  ...['Equal', 'Greater', 'Less', 'LessEqual', 'NotEqual'].map((kernelName) =>
    zeroGradient(kernelName, ['a', 'b']),
  ),
  ...['LogicalAnd', 'LogicalOr'].map((kernelName) => logicalGradient(kernelName, ['a', 'b'])),
  logicalGradient('LogicalNot', ['x']),
];

function zeroGradient(kernelName: string, inputs: string[]): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: inputs,
    gradFunc: (_dy, saved) =>
      Object.fromEntries(inputs.map((input, i) => [input, () => tf.fill(saved[i]!.shape, 0)])),
  };
}

function logicalGradient(kernelName: string, inputs: string[]): tf.GradConfig {
  const zero = zeroGradient(kernelName, inputs);
  return {
    ...zero,
    gradFunc: (dy, saved, attrs) => {
      if (isResult(saved)) {
        throw new ApoError(
          'UNSUPPORTED',
          `The function's value is that of ${kernelName}, a truth value, which has no derivative; ` +
            'select with it (where) or cast it to float32.',
        );
      }
      return zero.gradFunc(dy, saved, attrs);
    },
  };
}

/** Whether no operation on the tape has taken what the one that saved these tensors gave. */
function isResult(saved: tf.Tensor[]): boolean {
  const tape = tf.engine().state.activeTape;
  const node = tape.find((candidate) => candidate.saved === saved);
  const ids = node?.outputs.map(({ id }) => id) ?? [];
  // Optional inputs that were left out are there as `undefined` or `null`.
  const inputs = tape.flatMap((each) => Object.values<tf.Tensor | null | undefined>(each.inputs));
  return node !== undefined && !inputs.some((input) => input && ids.includes(input.id));
}
