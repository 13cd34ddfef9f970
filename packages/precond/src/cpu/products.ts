/**
 * Products of tall, narrow and small matrices as loops over rows, for engines that run JavaScript alone. Everything is float64 and
 * lies row by row; four rows or four columns are taken at once, so that a number that was read is used four times.
 */

/** Fᵀ `[columns, rows]` of F `[rows, columns]`. */
export function transposed(f: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const t = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) t[j * rows + i] = f[i * columns + j]!;
  return t;
}

/** y[0 … n) of row `row` += Σₖ left[leftRow, k] · right[k, ·] for right `[r, n]` and rows of left with r numbers. */
export function addRowProduct(
  y: Float64Array,
  row: number,
  left: Float64Array,
  leftRow: number,
  right: Float64Array,
  r: number,
  n: number,
): void {
  const [at, from] = [row * n, leftRow * r];
  let k = 0;
  for (; k + 4 <= r; k += 4) {
    const [a, b, c, d] = [left[from + k]!, left[from + k + 1]!, left[from + k + 2]!, left[from + k + 3]!];
    const p = k * n;
    const q = p + n;
    const s = q + n;
    const t = s + n;
    for (let j = 0; j < n; j++) {
      y[at + j]! += a * right[p + j]! + b * right[q + j]! + c * right[s + j]! + d * right[t + j]!;
    }
  }
  for (; k < r; k++) {
    const a = left[from + k]!;
    const p = k * n;
    for (let j = 0; j < n; j++) y[at + j]! += a * right[p + j]!;
  }
}

/** Rows of output `[·, r]` from `outputRow` on += X Fᵀ for the first `rows` rows of X `[·, n]` and F `[r, n]`. */
export function addDots(
  output: Float64Array,
  outputRow: number,
  x: Float64Array,
  rows: number,
  f: Float64Array,
  r: number,
  n: number,
): void {
  for (let i = 0; i < rows; i++) {
    const at = i * n;
    const to = (outputRow + i) * r;
    let k = 0;
    for (; k + 4 <= r; k += 4) {
      let [a, b, c, d] = [0, 0, 0, 0];
      const p = k * n;
      const q = p + n;
      const s = q + n;
      const t = s + n;
      for (let j = 0; j < n; j++) {
        const value = x[at + j]!;
        a += value * f[p + j]!;
        b += value * f[q + j]!;
        c += value * f[s + j]!;
        d += value * f[t + j]!;
      }
      output[to + k]! += a;
      output[to + k + 1]! += b;
      output[to + k + 2]! += c;
      output[to + k + 3]! += d;
    }
    for (; k < r; k++) {
      let a = 0;
      const p = k * n;
      for (let j = 0; j < n; j++) a += x[at + j]! * f[p + j]!;
      output[to + k]! += a;
    }
  }
}

/** sum `[r, n]` += Hᵀ X for `rows` rows of H `[·, r]` from `hRow` on and of X `[·, n]` from `xRow` on. */
export function addOuter(
  sum: Float64Array,
  h: Float64Array,
  hRow: number,
  r: number,
  x: Float64Array,
  xRow: number,
  rows: number,
  n: number,
): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const p = (xRow + i) * n;
    const q = p + n;
    const s = q + n;
    const t = s + n;
    for (let k = 0; k < r; k++) {
      const from = (hRow + i) * r + k;
      const [a, b, c, d] = [h[from]!, h[from + r]!, h[from + 2 * r]!, h[from + 3 * r]!];
      const to = k * n;
      for (let j = 0; j < n; j++) {
        sum[to + j]! += a * x[p + j]! + b * x[q + j]! + c * x[s + j]! + d * x[t + j]!;
      }
    }
  }
  for (; i < rows; i++) {
    const p = (xRow + i) * n;
    for (let k = 0; k < r; k++) {
      const a = h[(hRow + i) * r + k]!;
      const to = k * n;
      for (let j = 0; j < n; j++) sum[to + j]! += a * x[p + j]!;
    }
  }
}

/** y `[rows, n]` += left right for left `[rows, r]` and right `[r, n]`. */
export function addProduct(
  y: Float64Array,
  left: Float64Array,
  right: Float64Array,
  rows: number,
  r: number,
  n: number,
): void {
  for (let i = 0; i < rows; i++) addRowProduct(y, i, left, i, right, r, n);
}
