/** ApoScaledSubtract: θ − η d for several tensors, each with the learning rate of its group. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ScaledSubtractKernelAttributes } from '@apo/core';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { job, parallelFor, splitRange } from '../threads/parallel.js';
import type { Job } from '../threads/pool.js';
import { splitting, VECTOR } from '../update-kernel.js';

export const apoScaledSubtract = defineKernel<
  Readonly<Record<string, tf.TensorInfo>>,
  ScaledSubtractKernelAttributes
>('ApoScaledSubtract', ({ inputs, attrs: { count, places }, backend }) => {
  const rates = Array.from(floats(backend, inputs['rates']!));
  const native = nativeFunctions(backend) !== undefined;
  const outputs = Array.from({ length: count }, (_, i) => allocate(backend, inputs[`variable${i}`]!.shape));
  const jobs: Job[] = [];
  outputs.forEach((output, i) => {
    const tensors = [inputs[`variable${i}`]!, inputs[`direction${i}`]!, output] as const;
    const size = sizeOf(output.shape);
    const rate = rates[places[i]!]!;
    if (!native || size < VECTOR) {
      const [variable, direction, target] = tensors.map((tensor) => floats(backend, tensor));
      for (let j = 0; j < size; j++) target![j] = variable![j]! - rate * direction![j]!;
      return;
    }
    const [variable, direction, target] = tensors.map((tensor) => pointerTo(backend, tensor));
    for (const { start, end } of splitRange(backend, size, splitting(0.4))) {
      const at = 4 * start;
      jobs.push(job('scaledSubtract', variable! + at, direction! + at, target! + at, end - start, rate));
    }
  });
  parallelFor(backend, jobs);
  return outputs;
});
