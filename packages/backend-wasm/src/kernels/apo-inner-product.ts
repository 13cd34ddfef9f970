/** ApoInnerProduct: Σ ⟨a, b⟩ or Σ ⟨a, b − c⟩ over the tensors of each group. */
import type * as tf from '@tensorflow/tfjs-core';
import type { InnerProductKernelAttributes } from '@apo/core';
import { chunkedSums } from '../chunked-sum.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { job } from '../threads/parallel.js';

export const apoInnerProduct = defineKernel<
  Readonly<Record<string, tf.TensorInfo | undefined>>,
  InnerProductKernelAttributes
>('ApoInnerProduct', ({ inputs, attrs: { count, places, groups }, backend }) => {
  const output = allocate(backend, [groups]);
  const operands = Array.from({ length: count }, (_, i) =>
    ['a', 'b', 'subtrahend'].flatMap((role) => inputs[`${role}${i}`] ?? []),
  );
  const products =
    nativeFunctions(backend) === undefined
      ? operands.map((tensors) => {
          const [x, y, z] = tensors.map((tensor) => floats(backend, tensor));
          let sum = 0;
          for (let j = 0; j < x!.length; j++) sum += x![j]! * (z ? Math.fround(y![j]! - z[j]!) : y![j]!);
          return sum;
        })
      : chunkedSums(
          backend,
          operands.map(([a]) => sizeOf(a!.shape)),
          ({ tensor, start, length }, sum) => {
            const [a, b, c] = operands[tensor]!.map((operand) => pointerTo(backend, operand) + 4 * start);
            return c === undefined
              ? job('innerProduct', a!, b!, length, sum)
              : job('differenceProduct', a!, b!, c, length, sum);
          },
        );
  const totals = new Float64Array(groups);
  products.forEach((product, i) => (totals[places[i]!]! += product));
  floats(backend, output).set(totals);
  return output;
});
