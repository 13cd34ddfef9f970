/** P in double precision, from φ alone and by the dense formulas of Eq. 9–10: what the blocks are compared with. */
import type * as tf from '@tensorflow/tfjs-core';

export type Matrix = readonly (readonly number[])[];

export function matrix(rows: number, columns: number, at: (i: number, j: number) => number): number[][] {
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => at(i, j)));
}

export function multiply(a: Matrix, b: Matrix): number[][] {
  return matrix(a.length, b[0]!.length, (i, j) => a[i]!.reduce((sum, x, k) => sum + x * b[k]![j]!, 0));
}

export function transposed(a: Matrix): number[][] {
  return matrix(a[0]!.length, a.length, (i, j) => a[j]![i]!);
}

export function innerProduct(a: Matrix, b: Matrix): number {
  return a.reduce((sum, row, i) => row.reduce((inner, x, j) => inner + x * b[i]![j]!, sum), 0);
}

/** a ⊗ b. */
export function kronecker(a: Matrix, b: Matrix): number[][] {
  const [p, q] = [b.length, b[0]!.length];
  return matrix(a.length * p, a[0]!.length * q, (i, j) => {
    const outer = a[Math.floor(i / p)]![Math.floor(j / q)]!;
    return outer * b[i % p]![j % q]!;
  });
}

/** Columns one below the other, as one column. */
export function columnMajor(a: Matrix): number[][] {
  const m = a.length;
  return matrix(m * a[0]!.length, 1, (i) => a[i % m]![Math.floor(i / m)]!);
}

/** Values in double precision, by name, with the tensors' shapes. */
export type NumberMap = Record<string, { shape: number[]; data: number[] }>;

export function numbers(phi: Record<string, tf.Tensor>): NumberMap {
  return Object.fromEntries(
    Object.entries(phi).map(([name, t]) => [name, { shape: t.shape, data: Array.from(t.dataSync()) }]),
  );
}

/** The factor F `[size, size]` that φ holds under `entry`: I where there is none. */
export function denseFactor(phi: NumberMap, entry: string, size: number): number[][] {
  const [u, v, whole] = [phi[`${entry}.U`], phi[`${entry}.V`], phi[entry]];
  if (u && v) {
    const rank = u.shape[1]!;
    return matrix(size, size, (i, j) => {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < rank; k++) sum += u.data[i * rank + k]! * v.data[j * rank + k]!;
      return sum;
    });
  }
  if (!whole) return matrix(size, size, (i, j) => (i === j ? 1 : 0));
  if (whole.shape.length === 2) return matrix(size, size, (i, j) => whole.data[i * size + j]!);
  const width = whole.shape[1]!;
  return matrix(size, size, (i, j) => {
    const block = Math.floor(i / width);
    if (block !== Math.floor(j / width)) return 0;
    return whole.data[(block * width + (i % width)) * width + (j % width)]!;
  });
}

/** B (S⊙S⊙(Bᵀ G A)) Aᵀ for the block `name`. */
export function referenceUpdate(phi: NumberMap, name: string, g: Matrix): number[][] {
  const [m, n] = [g.length, g[0]!.length];
  const a = denseFactor(phi, `${name}.A`, n);
  const b = denseFactor(phi, `${name}.B`, m);
  const s = phi[`${name}.S`]!.data;
  const r = multiply(multiply(transposed(b), g), a);
  const t = matrix(m, n, (i, j) => s[i * n + j]! ** 2 * r[i]![j]!);
  return multiply(multiply(b, t), transposed(a));
}

/** (A⊗B) diag(vec S)² (A⊗B)ᵀ for the block `name` `[m, n]`, on column-major vectors. */
export function densePreconditioner(phi: NumberMap, name: string, m: number, n: number): number[][] {
  const ab = kronecker(denseFactor(phi, `${name}.A`, n), denseFactor(phi, `${name}.B`, m));
  const s = phi[`${name}.S`]!.data;
  const diagonal = columnMajor(matrix(m, n, (i, j) => s[i * n + j]! ** 2));
  return multiply(
    matrix(m * n, m * n, (i, k) => ab[i]![k]! * diagonal[k]![0]!),
    transposed(ab),
  );
}

/** Central differences of `f` with respect to every number of every entry, in double precision. */
export function differences(
  f: (phi: NumberMap) => number,
  phi: NumberMap,
  h = 1e-4,
): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(phi).map(([name, { shape, data }]) => [
      name,
      data.map((x, i) => {
        const at = (value: number): number =>
          f({ ...phi, [name]: { shape, data: data.map((other, j) => (j === i ? value : other)) } });
        return (at(x + h) - at(x - h)) / (2 * h);
      }),
    ]),
  );
}
