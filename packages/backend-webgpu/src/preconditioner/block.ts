/**
 * What the kernels of a Kronecker-factored preconditioner share: a block's tensors as matrices in single buffers, and the numbers of a step. See
 * `LowRankKernelAttributes` and `KroneckerKernelAttributes` of @apo/core for the inputs.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { ADD_UP, PARTIAL } from '../add-up.js';
import { allocate, compute, sizeOf, WORKGROUP } from '../compute.js';
import type { Field } from '../compute.js';
import type { Operand, Product } from '../product/product.js';

export type BlockInputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** Runs `body` with an allocation of vectors that live until it returns. */
export function withTemporaries<T>(
  backend: WebGPUBackend,
  body: (temporary: (size: number) => tf.TensorInfo) => T,
): T {
  const own: tf.TensorInfo[] = [];
  try {
    return body((size) => {
      const tensor = allocate(backend, [size]);
      own.push(tensor);
      return tensor;
    });
  } finally {
    for (const { dataId } of own) backend.disposeData(dataId);
  }
}

/** The tensors of a role. */
export function roleOf(inputs: BlockInputs, role: string, count: number): tf.TensorInfo[] {
  return Array.from({ length: count }, (_, i) => inputs[`${role}${i}`]!);
}

/** What is multiplied by −η when it is packed. */
interface Scaling {
  readonly parts: readonly tf.TensorInfo[];
  readonly rates: tf.TensorInfo;
  readonly place: number;
}

/** All numbers of `parts`, then those of `scaled.parts` times −rates[place], in one buffer. */
export function pack(
  backend: WebGPUBackend,
  output: tf.TensorInfo,
  parts: readonly tf.TensorInfo[],
  scaled?: Scaling,
): void {
  const all = [...parts, ...(scaled?.parts ?? [])];
  let end = 0;
  const ends = all.map((part) => (end += sizeOf(part)));
  const one = (i: number): string => {
    const from = i === 0 ? '0' : `uniforms.end${i - 1}`;
    const factor = i < parts.length ? '' : '-rates[uniforms.place] * ';
    return `if (at < uniforms.end${i}) { packed[at] = ${factor}part${i}[at - ${from}]; }`;
  };
  compute(
    backend,
    {
      key: `pack_${parts.length}_${all.length}`,
      outputs: ['packed'],
      inputs: [...all.map((_, i) => `part${i}`), ...(scaled ? ['rates'] : [])],
      uniforms: [
        ...all.map((_, i): Field => ({ name: `end${i}`, type: 'i32' })),
        ...(scaled ? [{ name: 'place', type: 'i32' } as const] : []),
      ],
      code: () => ({
        body: `
  let at = i32(tile * ${WORKGROUP}u + local);
  ${all.map((_, i) => one(i)).join('\n  else ')}`,
      }),
    },
    {
      outputs: [output],
      inputs: [...all, ...(scaled ? [scaled.rates] : [])],
      uniforms: [...ends, ...(scaled ? [scaled.place] : [])],
      workgroups: Math.ceil(end / WORKGROUP),
    },
  );
}

/** The sum of `count` numbers from `offset` on, as a scalar. */
export function sumOf(
  backend: WebGPUBackend,
  numbers: tf.TensorInfo,
  offset: number,
  count: number,
): tf.TensorInfo {
  const output = allocate(backend, []);
  compute(
    backend,
    {
      key: 'sum',
      outputs: ['result'],
      inputs: ['numbers'],
      uniforms: [
        { name: 'offset', type: 'i32' },
        { name: 'count', type: 'i32' },
      ],
      code: () => ({
        declarations: PARTIAL,
        body: `
  var sum = 0.0;
  for (var at = local; at < u32(uniforms.count); at = at + ${WORKGROUP}u) { sum = sum + numbers[u32(uniforms.offset) + at]; }
  ${ADD_UP}
  if (tile == 0u && local == 0u) { result[0] = partial[0]; }`,
      }),
    },
    { outputs: [output], inputs: [numbers], uniforms: [offset, count], workgroups: 1 },
  );
  return output;
}

/** The first or second of two matrices `[rows, columns]` in one buffer. */
export function half(
  buffer: string,
  which: 0 | 1,
  rows: number,
  columns: number,
  transposed = false,
): Operand {
  return { buffer, stride: columns, offset: which * rows * columns, transposed };
}

/** The matrix of the batch out of those `[rows, columns]` in one buffer. */
export function each(buffer: string, rows: number, columns: number, transposed = false): Operand {
  return { buffer, stride: columns, batchStride: rows * columns, transposed };
}

/** One matrix for all of the batch. */
export function shared(buffer: string, columns: number, transposed = false): Operand {
  return { buffer, stride: columns, transposed };
}

/** What turns sum0, a number of P g, into one of the step's outputs: its inputs, outputs and code. */
export type Step = Pick<Product, 'inputs' | 'outputs' | 'integers' | 'finish' | 'key'>;

export interface StepTensors {
  readonly variables: readonly tf.TensorInfo[];
  readonly rates: tf.TensorInfo;
  readonly place: number;
  readonly decay: tf.TensorInfo | undefined;
}

/**
 * P g itself, or (1 − η · decay) θ − η · P g of a block with `columns` columns, in one tensor or, the last row apart, in two.
 * @param value WGSL for a number of P g.
 */
export function stepOf(
  outputs: readonly tf.TensorInfo[],
  columns: number,
  value: string,
  step?: StepTensors,
): Step {
  const split = sizeOf(outputs[0]!) / columns;
  const write = (i: number): string => {
    const place = i === 0 ? 'at' : 'column';
    if (!step) return `out${i}[${place}] = ${value};`;
    const rate = 'get_rates(u32(uniforms.place))';
    const kept = step.decay ? `(1.0 - ${rate} * get_decay(0u)) * ` : '';
    return `out${i}[${place}] = ${kept}get_theta${i}(${place}) - ${rate} * (${value});`;
  };
  return {
    key: `${step ? `step${step.decay ? ' with decay' : ''}` : 'direction'} ${outputs.length} ${value}`,
    inputs: {
      ...(step && {
        ...Object.fromEntries(step.variables.map((theta, i) => [`theta${i}`, theta])),
        rates: step.rates,
      }),
      ...(step?.decay && { decay: step.decay }),
    },
    outputs: Object.fromEntries(outputs.map((output, i) => [`out${i}`, output])),
    integers: { ...(step && { place: step.place }), ...(outputs.length > 1 && { split }) },
    finish:
      outputs.length === 1 ? write(0) : `if (row < u32(uniforms.split)) { ${write(0)} } else { ${write(1)} }`,
  };
}
