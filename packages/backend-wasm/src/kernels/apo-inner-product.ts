/** ApoInnerProduct: Σ ⟨a, b⟩ over the tensors of each group. Cut into chunks of one length, so that the sums do not depend on the number of threads. */
import type * as tf from '@tensorflow/tfjs-core';
import type { InnerProductKernelAttributes } from '@apo/core';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { memoryOf, nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { scratch } from '../native/scratch.js';
import { job, parallelFor } from '../threads/parallel.js';

const CHUNK = 65_536;

interface Chunk {
  readonly tensor: number;
  readonly start: number;
  readonly length: number;
}

export const apoInnerProduct = defineKernel<
  Readonly<Record<string, tf.TensorInfo>>,
  InnerProductKernelAttributes
>('ApoInnerProduct', ({ inputs, attrs: { count, places, groups }, backend }) => {
  const output = allocate(backend, [groups]);
  const totals = new Float64Array(groups);
  const pairs = Array.from({ length: count }, (_, i) => [inputs[`a${i}`]!, inputs[`b${i}`]!] as const);
  if (nativeFunctions(backend) === undefined) {
    pairs.forEach(([a, b], i) => {
      const [x, y] = [floats(backend, a), floats(backend, b)];
      for (let j = 0; j < x.length; j++) totals[places[i]!]! += x[j]! * y[j]!;
    });
  } else {
    const chunks = pairs.flatMap(([a], tensor) => chunksOf(tensor, sizeOf(a.shape)));
    const sums = scratch(backend, 'inner products', 8 * chunks.length);
    parallelFor(
      backend,
      chunks.map(({ tensor, start, length }, i) => {
        const [a, b] = pairs[tensor]!.map((operand) => pointerTo(backend, operand) + 4 * start);
        return job('innerProduct', a!, b!, length, sums + 8 * i);
      }),
    );
    const values = new Float64Array(memoryOf(backend).buffer, sums, chunks.length);
    chunks.forEach(({ tensor }, i) => (totals[places[tensor]!]! += values[i]!));
  }
  floats(backend, output).set(totals);
  return output;
});

function chunksOf(tensor: number, size: number): Chunk[] {
  return Array.from({ length: Math.ceil(size / CHUNK) }, (_, i) => ({
    tensor,
    start: i * CHUNK,
    length: Math.min(CHUNK, size - i * CHUNK),
  }));
}
