/**
 * Gradients of comparisons and of logical operations: zero, since their outputs are constant but for jumps. With them
 * `where(greater(x, 0), …, …)` can be differentiated through x; tfjs-core has that of `greaterEqual` alone.
 */
import * as tf from '@tensorflow/tfjs-core';

export const comparisonGradients: readonly tf.GradConfig[] = [
  ...['Equal', 'Greater', 'Less', 'LessEqual', 'NotEqual', 'LogicalAnd', 'LogicalOr'].map((kernelName) =>
    zeroGradient(kernelName, ['a', 'b']),
  ),
  zeroGradient('LogicalNot', ['x']),
];

function zeroGradient(kernelName: string, inputs: string[]): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: inputs,
    gradFunc: (_dy, saved) =>
      Object.fromEntries(inputs.map((input, i) => [input, () => tf.fill(saved[i]!.shape, 0)])),
  };
}
