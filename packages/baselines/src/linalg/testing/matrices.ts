/** Matrices with known properties for the tests, and the residuals that say how good a factorisation of them is. */
import { createRandom } from '@apo/core';
import type { SymmetricEigen } from '../eigensystem.js';

/** A symmetric matrix with entries uniform in [−1, 1). */
export function randomSymmetric(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = 2 * random.next() - 1;
      a[j * n + i] = a[i * n + j]!;
    }
  }
  return a;
}

/** Q·diag(values)·Qᵀ with Q = (I − 2uuᵀ)(I − 2wwᵀ), u and w random unit vectors: the eigenvalues are `values`. */
export function withSpectrum(values: readonly number[], seed: number): Float64Array {
  const n = values.length;
  const q = product(reflector(n, seed), reflector(n, seed + 1), n);
  const scaled = q.map((entry, i) => entry * values[i % n]!);
  const a = product(scaled, transpose(q, n), n);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
  return a;
}

/** I − 2uuᵀ for a random unit vector u. */
function reflector(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const u = Float64Array.from({ length: n }, () => 2 * random.next() - 1);
  const square = u.reduce((sum, entry) => sum + entry * entry, 0);
  return identity(n).map((entry, i) => entry - (2 * u[Math.floor(i / n)]! * u[i % n]!) / square);
}

export function identity(n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) result[i * n + i] = 1;
  return result;
}

/** A·B, by the definition. */
export function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) for (let j = 0; j < n; j++) c[i * n + j]! += a[i * n + k]! * b[k * n + j]!;
  }
  return c;
}

export function transpose(a: Float64Array, n: number): Float64Array {
  return a.map((_, i) => a[(i % n) * n + Math.floor(i / n)]!);
}

/** 1/(i + j + 1). */
export function hilbert(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => 1 / (Math.floor(i / n) + (i % n) + 1));
}

/** max |aᵢ − bᵢ| / max |bᵢ|, or max |aᵢ| for b = 0. */
export function difference(a: Float64Array, b: Float64Array): number {
  let distance = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    distance = Math.max(distance, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return size === 0 ? distance : distance / size;
}

/** max |A − QΛQᵀ| / max |A| and max |QᵀQ − I|. */
export function residuals(
  a: Float64Array,
  { values, vectors }: SymmetricEigen,
): { reconstruction: number; orthogonality: number } {
  const n = values.length;
  const scaled = vectors.map((entry, i) => entry * values[i % n]!);
  return {
    reconstruction: difference(product(scaled, transpose(vectors, n), n), a),
    orthogonality: difference(product(transpose(vectors, n), vectors, n), identity(n)),
  };
}
