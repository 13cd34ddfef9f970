/** ApoWeightPull: v + λ (θ′ − θ) for several tensors and Σ (θ′ − θ)² over all of them, or the sum alone. */
import type * as tf from '@tensorflow/tfjs-core';
import type { WeightPullKernelAttributes } from '@apo/core';
import { chunkedSums } from '../chunked-sum.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { job } from '../threads/parallel.js';

export const apoWeightPull = defineKernel<
  Readonly<Record<string, tf.TensorInfo | undefined>>,
  WeightPullKernelAttributes
>('ApoWeightPull', ({ inputs, attrs: { count, lambda }, backend }) => {
  // No module, no gain over plain operators.
  if (nativeFunctions(backend) === undefined) return [];
  const sum = allocate(backend, []);
  const parts = Array.from({ length: count }, (_, i) => {
    const [lookahead, variable, cotangent] = ['lookahead', 'variable', 'cotangent'].map(
      (role) => inputs[`${role}${i}`],
    );
    return {
      lookahead: lookahead!,
      variable: variable!,
      pulled: cotangent && { cotangent, output: allocate(backend, cotangent.shape) },
    };
  });
  const sums = chunkedSums(
    backend,
    parts.map(({ variable }) => sizeOf(variable.shape)),
    ({ tensor, start, length }, target) => {
      const { lookahead, variable, pulled } = parts[tensor]!;
      const at = (operand: tf.TensorInfo): number => pointerTo(backend, operand) + 4 * start;
      return job(
        'weightPull',
        pulled ? at(pulled.cotangent) : 0,
        at(lookahead),
        at(variable),
        pulled ? at(pulled.output) : 0,
        length,
        lambda,
        target,
      );
    },
  );
  floats(backend, sum)[0] = sums.reduce((total, own) => total + own, 0);
  return [...parts.flatMap(({ pulled }) => pulled?.output ?? []), sum];
});
