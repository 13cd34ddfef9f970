/** Arithmetic on float64 vectors. */

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

/** y ← y + factor · x. */
export function accumulate(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i]! += factor * x[i]!;
}

/** a + factor · b, a new vector. */
export function addScaled(a: Float64Array, factor: number, b: Float64Array): Float64Array {
  const sum = a.slice();
  accumulate(sum, factor, b);
  return sum;
}

export function scale(a: Float64Array, factor: number): Float64Array {
  return a.map((value) => factor * value);
}

export function allFinite(a: Float64Array): boolean {
  return a.every(Number.isFinite);
}
