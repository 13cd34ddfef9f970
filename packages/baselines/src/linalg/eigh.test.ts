import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eigh } from './eigh.js';
import {
  difference,
  hilbert,
  identity,
  randomSymmetric,
  residuals,
  withSpectrum,
} from './testing/matrices.js';

/** Some 30 times what is left on matrices of these sides, and far below any wrong rotation. */
const EXACT = 1e-13;

describe('eigh', () => {
  it('decomposes a matrix by hand', () => {
    // [[2, 1], [1, 2]]: 1 with (1, −1)/√2 and 3 with (1, 1)/√2, up to sign.
    const { values, vectors } = eigh(Float32Array.of(2, 1, 1, 2), 2);
    expect(difference(values, Float64Array.of(1, 3))).toBeLessThan(1e-15);
    const half = Math.SQRT1_2;
    expect(difference(vectors.map(Math.abs), Float64Array.of(half, half, half, half))).toBeLessThan(1e-15);
    expect(Math.sign(vectors[0]!)).toBe(-Math.sign(vectors[2]!));
    expect(Math.sign(vectors[1]!)).toBe(Math.sign(vectors[3]!));
  });

  it('finds the eigenvalues of the second difference matrix, tridiagonal already', () => {
    // 2 − 2cos(kπ/(n + 1)), k = 1 … n.
    const n = 60;
    const a = identity(n).map((entry, i) => {
      const distance = Math.abs(Math.floor(i / n) - (i % n));
      return distance === 1 ? -1 : 2 * entry;
    });
    const expected = Float64Array.from(
      { length: n },
      (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)),
    );
    expect(difference(eigh(a, n).values, expected)).toBeLessThan(EXACT);
  });

  it.each([
    ['repeated eigenvalues', [1, 1, 1, 2, 2, 5, 5, 5, 5]],
    ['eigenvalues in tight clusters', [1, 1 + 1e-15, 1 + 1e-14, 2, 2 + 1e-15]],
    ['rank 2', [0, 0, 0, 0, 0, 3, 4]],
    ['a graded spectrum', [1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]],
    ['eigenvalues of both signs', [-3, -1e-9, 0, 1e-9, 3]],
    ['a multiple of the identity', [7, 7, 7, 7]],
  ])('finds %s', (_, spectrum) => {
    const a = withSpectrum(spectrum, 11);
    const eigen = eigh(a, spectrum.length);
    expect(difference(eigen.values, Float64Array.from(spectrum))).toBeLessThan(EXACT);
    const { reconstruction, orthogonality } = residuals(a, eigen);
    expect(reconstruction).toBeLessThan(EXACT);
    expect(orthogonality).toBeLessThan(EXACT);
  });

  it.each([
    ['zero', new Float64Array(25), 5],
    ['the identity', identity(6), 6],
    ['Hilbert', hilbert(12), 12],
    ['graded along its diagonal', graded(12), 12],
    ['all ones', new Float64Array(81).fill(1), 9],
    ['random of side 150', randomSymmetric(150, 1), 150],
  ])('decomposes a matrix that is %s', (_, a, n) => {
    const eigen = eigh(a, n);
    const { reconstruction, orthogonality } = residuals(a, eigen);
    expect(reconstruction).toBeLessThan(EXACT);
    expect(orthogonality).toBeLessThan(EXACT);
    expect(eigen.values).toEqual(eigen.values.toSorted());
  });

  it.each([1e-300, 1e-150, 1e150, 1e300])('works at the scale %d', (scale) => {
    const spectrum = [1, 2, 3, 4];
    const eigen = eigh(
      withSpectrum(spectrum, 3).map((value) => value * scale),
      4,
    );
    expect(
      difference(
        eigen.values,
        Float64Array.from(spectrum, (value) => value * scale),
      ),
    ).toBeLessThan(EXACT);
    expect(residuals(withSpectrum(spectrum, 3), { ...eigen, values: Float64Array.from(spectrum) })).toEqual({
      reconstruction: expect.closeTo(0, 12) as number,
      orthogonality: expect.closeTo(0, 12) as number,
    });
  });

  it('works with the smallest numbers there are', () => {
    // [[2, 1], [1, 2]] has eigenvalues 1 and 3.
    const tiny = Number.MIN_VALUE;
    expect(eigh(Float64Array.of(2 * tiny, tiny, tiny, 2 * tiny), 2).values).toEqual(
      Float64Array.of(tiny, 3 * tiny),
    );
  });

  it('decomposes entries whose squares fall out of the range of float64 beside 1', () => {
    const a = symmetric(4, [
      [1],
      [-1.4575064541647437e-9, -1],
      [-8.4e-323, 7.509406561399957e-97, -1.2336627650840174e-66],
      [1, -2.878594622603631e-101, 1.0815018652019531e-280, 1.15233914604415e-108],
    ]);
    const eigen = eigh(a, 4);
    const { reconstruction, orthogonality } = residuals(a, eigen);
    expect(reconstruction).toBeLessThan(EXACT);
    expect(orthogonality).toBeLessThan(EXACT);
  });

  it('leaves sides 0 and 1 as they are', () => {
    expect(eigh(new Float64Array(0), 0)).toEqual({
      values: new Float64Array(0),
      vectors: new Float64Array(0),
    });
    expect(eigh(Float64Array.of(-3), 1)).toEqual({
      values: Float64Array.of(-3),
      vectors: Float64Array.of(1),
    });
  });

  it('reconstructs any symmetric matrix, with orthonormal vectors and the trace for a sum', () => {
    const entry = fc.oneof(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.constantFrom(0, 1, -1, 1e-12, 1e12, 1e-200),
    );
    const matrix = fc
      .integer({ min: 1, max: 24 })
      .chain((n) =>
        fc.array(entry, { minLength: n * n, maxLength: n * n }).map((entries) => ({ n, entries })),
      );
    fc.assert(
      fc.property(matrix, ({ n, entries }) => {
        const a = Float64Array.from(entries, (_, i) => {
          const [row, column] = [Math.floor(i / n), i % n];
          return entries[Math.min(row, column) * n + Math.max(row, column)]!;
        });
        const input = a.slice();
        const eigen = eigh(a, n);
        expect(a).toEqual(input);
        const { reconstruction, orthogonality } = residuals(a, eigen);
        expect(reconstruction).toBeLessThan(EXACT);
        expect(orthogonality).toBeLessThan(EXACT);
        const size = n * a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
        const trace = a.reduce((sum, value, i) => (i % (n + 1) === 0 ? sum + value : sum), 0);
        const sum = eigen.values.reduce((total, value) => total + value, 0);
        expect(Math.abs(sum - trace)).toBeLessThanOrEqual(EXACT * size);
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same bits each time', () => {
    const a = randomSymmetric(80, 9);
    expect(eigh(a, 80)).toEqual(eigh(a, 80));
  });

  it('refuses what is not finite or not symmetric, and eigenvalues beyond float64', () => {
    expect(() => eigh(Float64Array.of(1, NaN, NaN, 1), 2, { layer: 'conv1' })).toThrow(
      expect.objectContaining({ reason: 'non-finite', layer: 'conv1', code: 'NON_FINITE' }),
    );
    expect(() => eigh(Float64Array.of(1, 2, 3, 1), 2)).toThrow(
      expect.objectContaining({ reason: 'not-symmetric' }),
    );
    // The largest eigenvalue of a matrix of ones times 1e308 is 2e308.
    expect(() => eigh(new Float64Array(4).fill(1e308), 2)).toThrow('an eigenvalue came out as Infinity');
  });
});

/** The symmetric matrix of side `n` with these rows, each up to its diagonal. */
function symmetric(n: number, lower: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return lower[Math.max(row, column)]![Math.min(row, column)]!;
  });
}

/** √(dᵢdⱼ)·(1 on the diagonal, ½ beside it) with d from 1 to 1e-11. */
function graded(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return 10 ** (-(row + column) / 2) * 0.5 ** Math.abs(row - column);
  });
}
