import { createRandom } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { logSpacedSingularValues, matrixWithSingularValues, orthonormalVectors } from './orthogonal.js';
import type { Matrix } from './orthogonal.js';

const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const transpose = (a: Matrix): number[][] => a[0]!.map((_, j) => a.map((row) => row[j]!));
const trace = (a: Matrix): number => a.reduce((sum, row, i) => sum + row[i]!, 0);

describe('orthonormalVectors', () => {
  it('are orthonormal to the precision of float64', () => {
    const vectors = orthonormalVectors(6, 10, createRandom(1));
    product(vectors, transpose(vectors)).forEach((row, i) =>
      row.forEach((value, j) => expect(Math.abs(value - (i === j ? 1 : 0))).toBeLessThan(1e-15 * 10)),
    );
  });

  it('refuses more vectors than dimensions', () => {
    expect(() => orthonormalVectors(3, 2, createRandom(1))).toThrow(/no 3 orthonormal vectors of length 2/);
  });
});

describe('matrixWithSingularValues', () => {
  it('has them: the traces of the powers of AᵀA are the sums of the powers of σ²', () => {
    const values = [1, 0.5, 0.1];
    const matrix = matrixWithSingularValues(5, 3, values, createRandom(2));
    const gram = product(transpose(matrix), matrix);
    let power = gram;
    for (const exponent of [2, 4, 6]) {
      const expected = values.reduce((sum, value) => sum + value ** exponent, 0);
      expect(trace(power)).toBeCloseTo(expected, 13);
      power = product(power, gram);
    }
  });

  it('keeps a condition number of 1e10: A has its smallest singular value where it should', () => {
    const values = logSpacedSingularValues(6, 1e10);
    const random = createRandom(3);
    const matrix = matrixWithSingularValues(10, 6, values, random);
    // The same draws again: V is what A maps to σ u.
    const again = createRandom(3);
    const left = orthonormalVectors(6, 10, again);
    const right = orthonormalVectors(6, 6, again);
    const image = product(matrix, transpose([right[5]!])).map(([value]) => value!);
    // Entries of A near 1 are rounded at 1e−16, so A v₆ = 1e−10 u₆ within 1e−15.
    image.forEach((value, i) => expect(Math.abs(value - 1e-10 * left[5]![i]!)).toBeLessThan(1e-15));
    expect(Math.hypot(...image) / 1e-10).toBeCloseTo(1, 4);
  });

  it('is the same for the same seed and another for another', () => {
    const draw = (seed: number): Matrix => matrixWithSingularValues(4, 3, [1, 0.1], createRandom(seed));
    expect(draw(5)).toEqual(draw(5));
    expect(draw(6)).not.toEqual(draw(5));
  });
});

describe('logSpacedSingularValues', () => {
  it('go down from 1 by equal factors', () => {
    logSpacedSingularValues(6, 1e10).forEach((value, i) =>
      expect(value / [1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10][i]!).toBeCloseTo(1, 12),
    );
  });
});
