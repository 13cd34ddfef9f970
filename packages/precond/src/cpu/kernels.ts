/**
 * `ApoLowRankUpdate` and `ApoLowRankGradient` (see `LowRankKernelAttributes` of @apo/core) for TensorFlow.js's backend `cpu`, whose own
 * products take several times as long on matrices of these shapes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LowRankKernelAttributes } from '@apo/core';
import { side } from './low-rank.js';
import type { LowRankNumbers } from './low-rank.js';
import { lowRankGradient } from './low-rank-gradient.js';
import { lowRankUpdate } from './low-rank-update.js';

type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

interface Call {
  readonly inputs: Inputs;
  readonly attrs: LowRankKernelAttributes;
  readonly backend: tf.KernelBackend;
}

const kernels: Readonly<Record<string, (call: Call) => tf.TensorInfo[]>> = {
  ApoLowRankUpdate: ({ inputs, attrs: { count, place }, backend }) => {
    const rate = valuesOf(backend, inputs['rates']!)[place]!;
    const decay = inputs['decay'] ? valuesOf(backend, inputs['decay'])[0]! : 0;
    const variable = inputs['variable0'] && matrixOf(backend, inputs, 'variable', count);
    const step = variable && { variable, keep: 1 - rate * decay, rate };
    const result = lowRankUpdate(
      numbersOf(backend, inputs),
      matrixOf(backend, inputs, 'gradient', count),
      step,
    );
    let end = 0;
    return Array.from({ length: count }, (_, i) => {
      const { shape } = inputs[`gradient${i}`]!;
      const start = end;
      end += tf.util.sizeFromShape(shape);
      return tensor(backend, count === 1 ? result : result.slice(start, end), shape);
    });
  },
  ApoLowRankGradient: ({ inputs, attrs: { count, place }, backend }) => {
    const { inner, ...derivatives } = lowRankGradient(
      numbersOf(backend, inputs),
      matrixOf(backend, inputs, 'gradient', count),
      matrixOf(backend, inputs, 'cotangent', count),
      -valuesOf(backend, inputs['rates']!)[place]!,
    );
    const names = ['scale', 'columnU', 'columnV', 'rowU', 'rowV'] as const;
    return [
      ...names.flatMap((name) =>
        inputs[name] ? [tensor(backend, derivatives[name], inputs[name].shape)] : [],
      ),
      tensor(backend, Float32Array.of(inner), []),
    ];
  },
};

/** Registers the kernels for the backend `cpu`, before or after it starts; calling it again changes nothing. */
export function registerCpuKernels(): void {
  for (const [kernelName, compute] of Object.entries(kernels)) {
    if (tf.getKernel(kernelName, 'cpu') as tf.KernelConfig | undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: (call) => compute(call as unknown as Call),
    });
  }
}

function valuesOf(backend: tf.KernelBackend, { dataId }: tf.TensorInfo): Float32Array {
  return backend.readSync(dataId) as Float32Array;
}

function tensor(backend: tf.KernelBackend, values: Float32Array, shape: number[]): tf.TensorInfo {
  return { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' };
}

function numbersOf(backend: tf.KernelBackend, inputs: Inputs): LowRankNumbers {
  const [m, n] = inputs['scale']!.shape as [number, number];
  const optional = (name: string): Float32Array | undefined =>
    inputs[name] && valuesOf(backend, inputs[name]);
  return {
    m,
    n,
    scale: valuesOf(backend, inputs['scale']!),
    columns: side(n, optional('columnU'), optional('columnV')),
    rows: side(m, optional('rowU'), optional('rowV')),
  };
}

/** The tensors of a role as one matrix, row by row. */
function matrixOf(backend: tf.KernelBackend, inputs: Inputs, role: string, count: number): Float32Array {
  const parts = Array.from({ length: count }, (_, i) => valuesOf(backend, inputs[`${role}${i}`]!));
  if (parts.length === 1) return parts[0]!;
  const matrix = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    matrix.set(part, at);
    at += part.length;
  }
  return matrix;
}
