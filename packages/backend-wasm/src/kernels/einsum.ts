/**
 * Einsum, missing in tfjs-wasm. Two operands are brought to one product of matrices: labels in both and in the output form the
 * batch, labels in both but not in the output are contracted, the rest are rows and columns. tfjs-core's limits hold: one or two
 * operands, no label twice in one operand, no ellipsis.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { requireArgument } from '@apo/core';
import { runCurrent } from '../current.js';
import { release, reshaped, shared, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';

type Label = number;

/** A tensor and the label of each of its axes. It may borrow the kernel's input; `Pool` knows what to free. */
interface Term {
  readonly tensor: tf.TensorInfo;
  readonly labels: readonly Label[];
}

export const einsum = defineKernel<Readonly<Record<string, tf.TensorInfo>>, { equation: string }>(
  'Einsum',
  ({ inputs, attrs: { equation }, backend }) => {
    const tensors = Object.values(inputs);
    const { allDims, summedDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
    requireOneExtentEach(equation, tensors, idDims);
    const output = allDims.map((_, label) => label).slice(0, allDims.length - summedDims.length);
    const pool = new Pool(backend);
    try {
      const terms = tensors.map((tensor, i) => {
        const others = idDims.filter((_, j) => j !== i).flat();
        const needed = new Set([...output, ...others]);
        return pool.sumAway({ tensor, labels: idDims[i]! }, needed);
      });
      const [a, b] = terms as [Term, Term | undefined];
      const result = b === undefined ? a : contract(pool, a, b, output);
      return shared(backend, pool.permute(result, output));
    } finally {
      pool.free();
    }
  },
);

/** A label stands for one extent, in whichever operand it is. */
function requireOneExtentEach(
  equation: string,
  tensors: readonly tf.TensorInfo[],
  labels: readonly (readonly Label[])[],
): void {
  const extents = new Map<Label, number>();
  tensors.forEach(({ shape }, i) => {
    const own = labels[i]!;
    requireArgument(
      own.length === shape.length &&
        own.every((label, axis) => (extents.get(label) ?? shape[axis]) === shape[axis]),
      () =>
        `einsum '${equation}' was given shapes ${tensors.map((t) => `[${t.shape.join(', ')}]`).join(' and ')}; ` +
        `expected a label for each axis, and the same extent wherever a label stands.`,
    );
    own.forEach((label, axis) => extents.set(label, shape[axis]!));
  });
}

/** The contraction of two terms, its labels a permutation of `output`. */
function contract(pool: Pool, a: Term, b: Term, output: readonly Label[]): Term {
  const inBoth = (label: Label): boolean => a.labels.includes(label) && b.labels.includes(label);
  const batch = output.filter(inBoth);
  const firstFree = output.find((label) => !batch.includes(label));
  // The operand that has the output's first label of its own comes first, which saves transposing the product.
  if (firstFree !== undefined && b.labels.includes(firstFree))
    return contractOrdered(pool, b, a, output, batch);
  return contractOrdered(pool, a, b, output, batch);
}

function contractOrdered(
  pool: Pool,
  a: Term,
  b: Term,
  output: readonly Label[],
  batch: readonly Label[],
): Term {
  const rows = output.filter((label) => a.labels.includes(label) && !batch.includes(label));
  const columns = output.filter((label) => b.labels.includes(label) && !batch.includes(label));
  const inner = a.labels.filter((label) => !output.includes(label));
  const count = extent(a, batch);
  const [m, k, n] = [extent(a, rows), extent(a, inner), extent(b, columns)];
  const labels = [...batch, ...rows, ...columns];
  const shape = [
    ...batch.map((l) => sizeAt(a, l)),
    ...rows.map((l) => sizeAt(a, l)),
    ...columns.map((l) => sizeAt(b, l)),
  ];
  const elementwise = inner.length === 0 || (m === 1 && n === 1 && count > 1);
  if (elementwise || a.tensor.dtype !== 'float32' || b.tensor.dtype !== 'float32') {
    const x = pool.permute(a, [...batch, ...rows, ...inner]);
    const y = pool.permute(b, [...batch, ...columns, ...inner]);
    const product = pool.run('Multiply', {
      a: reshaped(x, [count, m, 1, k]),
      b: reshaped(y, [count, 1, n, k]),
    });
    const sum =
      inner.length === 0 ? product : pool.run('Sum', { x: product }, { axis: [3], keepDims: false });
    return { tensor: reshaped(sum, shape), labels };
  }
  const [left, transposeA] = pool.matrices(a, batch, rows, inner);
  const [right, transposeB] = pool.matrices(b, batch, inner, columns);
  const product = pool.run(
    'BatchMatMul',
    {
      a: reshaped(left, [count, ...(transposeA ? [k, m] : [m, k])]),
      b: reshaped(right, [count, ...(transposeB ? [n, k] : [k, n])]),
    },
    { transposeA, transposeB },
  );
  return { tensor: reshaped(product, shape), labels };
}

function sizeAt({ tensor, labels }: Term, label: Label): number {
  return tensor.shape[labels.indexOf(label)]!;
}

function extent(term: Term, labels: readonly Label[]): number {
  return sizeOf(labels.map((label) => sizeAt(term, label)));
}

/** Runs kernels and owns what they give until `free`. */
class Pool {
  private readonly owned: tf.TensorInfo[] = [];

  constructor(private readonly backend: BackendWasm) {}

  run(
    kernelName: string,
    inputs: Readonly<Record<string, tf.TensorInfo>>,
    attrs?: Readonly<Record<string, unknown>>,
  ): tf.TensorInfo {
    const output = runCurrent(kernelName, inputs, this.backend, attrs);
    this.owned.push(output);
    return output;
  }

  /** Sums over the labels that are not needed. */
  sumAway({ tensor, labels }: Term, needed: ReadonlySet<Label>): Term {
    const axis = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]));
    if (axis.length === 0) return { tensor, labels };
    const sum = this.run('Sum', { x: tensor }, { axis, keepDims: false });
    return { tensor: sum, labels: labels.filter((label) => needed.has(label)) };
  }

  /** The axes in the order of `labels`, without a copy where they are. */
  permute(term: Term, labels: readonly Label[]): tf.TensorInfo {
    const perm = labels.map((label) => term.labels.indexOf(label));
    if (perm.every((axis, i) => axis === i)) return term.tensor;
    return this.run('Transpose', { x: term.tensor }, { perm });
  }

  /** `[batch, first, second]`, or the matrices as they lie, transposed, where that needs no copy. */
  matrices(
    term: Term,
    batch: readonly Label[],
    first: readonly Label[],
    second: readonly Label[],
  ): [tensor: tf.TensorInfo, transposed: boolean] {
    const transposed = [...batch, ...second, ...first];
    if (first.length > 0 && second.length > 0 && transposed.every((label, i) => term.labels[i] === label)) {
      return [term.tensor, true];
    }
    return [this.permute(term, [...batch, ...first, ...second]), false];
  }

  free(): void {
    release(this.backend, ...this.owned);
  }
}
