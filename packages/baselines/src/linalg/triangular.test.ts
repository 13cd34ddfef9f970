import { describe, expect, it } from 'vitest';
import { createRandom } from '@apo/core';
import { invertLower, solveTriangular } from './triangular.js';
import { difference, identity, product, randomSymmetric, transpose } from './testing/matrices.js';

/** Lower triangular with a dominant diagonal; what stands above it is rubbish that nobody may read. */
function lower(n: number, seed: number): { l: Float64Array; clean: Float64Array } {
  const l = randomSymmetric(n, seed).map((value, i) => {
    if (i % n === Math.floor(i / n)) return 2 + Math.abs(value);
    return i % n > Math.floor(i / n) ? 1e6 : value / n;
  });
  return { l, clean: l.map((value) => (value === 1e6 ? 0 : value)) };
}

describe('solveTriangular', () => {
  it('solves a system by hand', () => {
    // [[2, 0], [1, 4]] x = [2, 9]: x = [1, 2]; its transpose [[2, 1], [0, 4]] x = [4, 8]: x = [1, 2].
    const l = Float64Array.of(2, 0, 1, 4);
    expect(solveTriangular(l, Float64Array.of(2, 9), 2)).toEqual(Float64Array.of(1, 2));
    expect(solveTriangular(l, Float32Array.of(4, 8), 2, { transpose: true })).toEqual(Float64Array.of(1, 2));
  });

  it.each([
    [1, 1],
    [3, 1],
    [7, 5],
    [70, 130],
  ])('side %i with %i right-hand sides: L·X gives B back', (n, columns) => {
    const { l, clean } = lower(n, n);
    const random = createRandom(columns);
    const b = Float64Array.from({ length: n * columns }, () => random.normal());
    for (const transposed of [false, true]) {
      const x = solveTriangular(l, b, n, { columns, transpose: transposed });
      const matrix = transposed ? transpose(clean, n) : clean;
      const back = new Float64Array(n * columns);
      for (let i = 0; i < n; i++) {
        for (let k = 0; k < n; k++) {
          for (let j = 0; j < columns; j++)
            back[i * columns + j]! += matrix[i * n + k]! * x[k * columns + j]!;
        }
      }
      expect(difference(back, b)).toBeLessThan(1e-13);
    }
  });

  it('solves nothing for side 0 or no right-hand side', () => {
    expect(solveTriangular(new Float64Array(0), new Float64Array(0), 0)).toHaveLength(0);
    expect(solveTriangular(Float64Array.of(1), new Float64Array(0), 1, { columns: 0 })).toHaveLength(0);
  });

  it('refuses a zero on the diagonal, wrong lengths, NaN and a solution beyond float64', () => {
    const singular = Float64Array.of(1, 0, 1, 0);
    expect(() => solveTriangular(singular, Float64Array.of(1, 1), 2, { layer: 'conv' })).toThrow(
      "Layer 'conv': the triangular matrix has a zero at [1, 1]",
    );
    expect(() => solveTriangular(Float64Array.of(1), Float64Array.of(1, 2), 1)).toThrow('has 2 entries');
    expect(() => solveTriangular(Float64Array.of(1), Float64Array.of(NaN), 1)).toThrow(
      'expected finite numbers',
    );
    expect(() => solveTriangular(Float64Array.of(1e-200), Float64Array.of(1e200), 1)).toThrow('The solution');
  });
});

describe('invertLower', () => {
  it.each([0, 1, 5, 63, 64, 65, 140])('side %i: L·L⁻¹ = I', (n) => {
    const { l, clean } = lower(n, 2);
    const inverse = invertLower(l, n);
    expect(difference(product(clean, inverse, n), identity(n))).toBeLessThan(1e-14);
  });

  it('refuses a singular matrix', () => {
    expect(() => invertLower(Float64Array.of(0), 1)).toThrow('raise the damping');
  });
});
