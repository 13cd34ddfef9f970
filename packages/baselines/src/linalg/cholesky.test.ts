import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cholesky, choleskyInverse, choleskySolve, inverse } from './cholesky.js';
import { difference, hilbert, identity, product, transpose, withSpectrum } from './testing/matrices.js';

describe('cholesky', () => {
  it('factors a matrix by hand', () => {
    // [[4, 2], [2, 10]] = [[2, 0], [1, 3]]·[[2, 1], [0, 3]].
    expect(cholesky(Float32Array.of(4, 2, 2, 10), 2)).toEqual(Float64Array.of(2, 0, 1, 3));
    // The same with 3 of the 4 and of the 10 given as damping.
    expect(cholesky(Float64Array.of(1, 2, 2, 7), 2, { damping: 3 })).toEqual(Float64Array.of(2, 0, 1, 3));
  });

  it('gives the inverse of damped KFAC factors', () => {
    // With damping .5: [[2.5, 1], [1, 2.5]]⁻¹ = [[2.5, −1], [−1, 2.5]]/5.25.
    const expected = Float64Array.of(2.5, -1, -1, 2.5).map((value) => value / 5.25);
    expect(difference(inverse(Float64Array.of(2, 1, 1, 2), 2, { damping: 0.5 }), expected)).toBeLessThan(
      1e-15,
    );
  });

  it('reconstructs, solves and inverts at random', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 70 }),
        fc.integer({ min: 0, max: 999 }),
        (spectrum, seed) => {
          const n = spectrum.length;
          const a = withSpectrum(spectrum, seed);
          const l = cholesky(a, n);
          expect(difference(product(l, transpose(l, n), n), a)).toBeLessThan(1e-13);
          const inverted = choleskyInverse(l, n);
          expect(inverted).toEqual(transpose(inverted, n));
          expect(difference(product(a, inverted, n), identity(n))).toBeLessThan(1e-9);
          expect(difference(choleskySolve(l, identity(n), n, { columns: n }), inverted)).toBeLessThan(1e-9);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([1e-150, 1e150])('works at the scale %d', (scale) => {
    const a = withSpectrum([1, 2, 3], 5).map((value) => value * scale);
    expect(difference(product(inverse(a, 3), a, 3), identity(3))).toBeLessThan(1e-14);
  });

  it('inverts the Hilbert matrix of side 4, whose inverse is whole', () => {
    const exact = Float64Array.of(
      16,
      -120,
      240,
      -140,
      -120,
      1200,
      -2700,
      1680,
      240,
      -2700,
      6480,
      -4200,
      -140,
      1680,
    );
    const expected = Float64Array.of(...exact, -4200, 2800);
    // Condition number 1.6e4.
    expect(difference(inverse(hilbert(4), 4), expected)).toBeLessThan(1e-11);
  });

  it('handles sides 0 and 1', () => {
    expect(inverse(new Float64Array(0), 0)).toHaveLength(0);
    expect(inverse(Float64Array.of(4), 1)).toEqual(Float64Array.of(0.25));
  });

  it.each([
    ['zero', new Float64Array(4), 2],
    ['negative', Float64Array.of(-1), 1],
    ['indefinite', Float64Array.of(1, 2, 2, 1), 2],
    ['of rank 1', Float64Array.of(1, 0.1, 0.1, 0.01), 2],
    ['of rank 3 in side 40', withSpectrum([1, 2, 3, ...new Array<number>(37).fill(0)], 8), 40],
    ['Hilbert of side 14, singular in float64', hilbert(14), 14],
  ])('refuses a matrix that is %s, and damping repairs it', (_, a, n) => {
    const input = a.slice();
    expect(() => cholesky(a, n, { layer: 'dense' })).toThrow(
      expect.objectContaining({ code: 'NUMERICAL', reason: 'not-positive-definite', layer: 'dense' }),
    );
    expect(a).toEqual(input);
    const damped = a.map((value, i) => (i % (n + 1) === 0 ? value + 1.5 : value));
    expect(difference(product(inverse(a, n, { damping: 1.5 }), damped, n), identity(n))).toBeLessThan(1e-12);
  });

  it('refuses NaN, a damping below 0 and an inverse beyond float64', () => {
    expect(() => cholesky(Float64Array.of(NaN), 1)).toThrow('expected finite numbers');
    expect(() => cholesky(Float64Array.of(1), 1, { damping: -1 })).toThrow('damping is -1');
    expect(() => inverse(Float64Array.of(1e-310), 1)).toThrow('The inverse has the value Infinity');
  });

  it('gives the same bits each time', () => {
    const a = withSpectrum(
      Array.from({ length: 90 }, (_, i) => i + 1),
      1,
    );
    expect(inverse(a, 90)).toEqual(inverse(a, 90));
  });
});
