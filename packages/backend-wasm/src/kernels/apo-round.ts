/** ApoRound: several float32 tensors rounded to bfloat16 or float16 by their bits, in one pass over each. */
import type * as tf from '@tensorflow/tfjs-core';
import type { RoundKernelAttributes } from '@apo/core';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { job, parallelFor, splitRange } from '../threads/parallel.js';
import { splitting } from '../update-kernel.js';

const FUNCTIONS = { bf16: 'roundBfloat16', fp16: 'roundFloat16' } as const;

export const apoRound = defineKernel<Readonly<Record<string, tf.TensorInfo>>, RoundKernelAttributes>(
  'ApoRound',
  ({ inputs, attrs: { count, precision }, backend }) => {
    const tensors = Array.from({ length: count }, (_, i) => inputs[`x${i}`]!);
    const outputs = tensors.map(({ shape }) => allocate(backend, shape));
    if (nativeFunctions(backend) === undefined) {
      const round = { bf16: toBfloat16, fp16: toFloat16 }[precision];
      tensors.forEach((tensor, i) => {
        const [from, to] = [floats(backend, tensor), floats(backend, outputs[i]!)];
        for (let j = 0; j < from.length; j++) to[j] = round(from[j]!);
      });
      return outputs;
    }
    const jobs = tensors.flatMap((tensor, i) => {
      const [from, to] = [pointerTo(backend, tensor), pointerTo(backend, outputs[i]!)];
      const parts = splitRange(backend, sizeOf(tensor.shape), splitting(0.5));
      return parts.map(({ start, end }) =>
        job(FUNCTIONS[precision], from + 4 * start, to + 4 * start, end - start),
      );
    });
    parallelFor(backend, jobs);
    return outputs;
  },
);

/** The leading bits of x by Veltkamp's splitting (Dekker 1971), for x that the product does not take out of range. */
function leadingBits(x: number, splitter: number): number {
  const c = Math.fround(x * splitter);
  return Math.fround(c - Math.fround(c - x));
}

/** |x| to the spacing that float32 has from `one` on, with the sign of x. */
function toSpacing(x: number, one: number): number {
  const magnitude = Math.fround(Math.abs(x) + one) - one;
  return x < 0 || Object.is(x, -0) ? -magnitude : magnitude;
}

function toBfloat16(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 2 ** -126) return toSpacing(x, 2 ** -110);
  if (magnitude === Infinity) return x;
  return magnitude < 2 ** 100
    ? leadingBits(x, 2 ** 16 + 1)
    : leadingBits(x * 2 ** -24, 2 ** 16 + 1) * 2 ** 24;
}

function toFloat16(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 2 ** -14) return toSpacing(x, 2 ** -1);
  return magnitude < 65520 ? leadingBits(x, 2 ** 13 + 1) : x * Infinity;
}
