import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eigh } from './eigh.js';
import { inverseRoot, inverseRootFromEigen } from './inverse-root.js';
import {
  difference,
  hilbert,
  identity,
  product,
  randomSymmetric,
  transpose,
  withSpectrum,
} from './testing/matrices.js';

const methods = ['eigen', 'newton'] as const;

/** R to the p-th. */
function power(r: Float64Array, p: number, n: number): Float64Array {
  let result = r;
  for (let i = 1; i < p; i++) result = product(result, r, n);
  return result;
}

describe.each(methods)('inverseRoot by %s', (method) => {
  it('gives the published inverse square root', () => {
    // [[1, 1, 1], [1, 2, −3], [1, −3, 18]] has determinant 1, so the square of its inverse is this whole matrix, exactly.
    const a = Float64Array.of(1195, -944, -224, -944, 746, 177, -224, 177, 42);
    const expected = Float64Array.of(1, 1, 1, 1, 2, -3, 1, -3, 18);
    const root = inverseRoot(a, 3, 2, { method });
    for (let i = 0; i < 9; i++) expect(Math.abs(root[i]! - expected[i]!)).toBeLessThan(1e-5);
  });

  it.each([1, 2, 3, 4, 6, 8])('raised to −%i gives A back', (p) => {
    const n = 20;
    const a = withSpectrum(
      Array.from({ length: n }, (_, i) => 0.1 + i * i),
      p,
    );
    const root = inverseRoot(a, n, p, { method });
    expect(root).toEqual(transpose(root, n));
    expect(difference(product(power(root, p, n), a, n), identity(n))).toBeLessThan(1e-9);
  });

  it('adds the damping to the eigenvalues', () => {
    // Rank 1 and damping 1: eigenvalues 1 and 2 + 1, so (1, 1)/√2 gets 3^(−1/2) and (1, −1)/√2 gets 1.
    const third = 1 / Math.sqrt(3);
    const expected = Float64Array.of(third + 1, third - 1, third - 1, third + 1).map((value) => value / 2);
    const root = inverseRoot(new Float64Array(4).fill(1), 2, 2, { method, damping: 1 });
    expect(difference(root, expected)).toBeLessThan(1e-14);
  });

  it.each([1e-150, 1e150])('works at the scale %d', (scale) => {
    const a = withSpectrum([1, 16, 81], 2).map((value) => value * scale);
    const root = inverseRoot(a, 3, 4, { method });
    const expected = inverseRoot(withSpectrum([1, 16, 81], 2), 3, 4).map((value) => value * scale ** -0.25);
    expect(difference(root, expected)).toBeLessThan(1e-12);
  });

  it('handles sides 0 and 1', () => {
    expect(inverseRoot(new Float64Array(0), 0, 2, { method })).toHaveLength(0);
    expect(inverseRoot(Float64Array.of(16), 1, 4, { method })[0]).toBeCloseTo(0.5, 14);
  });

  it.each([
    ['zero', new Float64Array(9), 3],
    ['of rank 1', new Float64Array(9).fill(1), 3],
    ['of rank 3 in side 30', withSpectrum([1, 2, 3, ...new Array<number>(27).fill(0)], 8), 30],
    ['negative', Float64Array.of(-4), 1],
    ['indefinite', withSpectrum([-1, 2, 3], 1), 3],
    ['Hilbert of side 16, singular in float64', hilbert(16), 16],
  ])('refuses a matrix that is %s', (_, a, n) => {
    const input = a.slice();
    expect(() => inverseRoot(a, n, 4, { method, layer: 'dense' })).toThrow(
      expect.objectContaining({ reason: 'not-positive-definite', code: 'NUMERICAL', layer: 'dense' }),
    );
    expect(a).toEqual(input);
  });

  it('refuses bad arguments', () => {
    const a = Float64Array.of(1);
    expect(() => inverseRoot(a, 1, 0, { method })).toThrow('p is 0');
    expect(() => inverseRoot(a, 1, 1.5, { method })).toThrow('p is 1.5');
    expect(() => inverseRoot(a, 1, 2, { method, damping: -1 })).toThrow('damping is -1');
    expect(() => inverseRoot(Float64Array.of(NaN), 1, 2, { method })).toThrow('expected finite numbers');
    expect(() => inverseRoot(Float64Array.of(1e-310), 1, 1, { method })).toThrow('The inverse root');
  });

  it('gives the same bits each time', () => {
    const a = withSpectrum([1, 2, 3, 4, 5, 6, 7, 8, 9], 1);
    expect(inverseRoot(a, 9, 4, { method })).toEqual(inverseRoot(a, 9, 4, { method }));
  });
});

describe('both ways', () => {
  it('agree at random, as far as the condition number lets them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -6, max: 0, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 999 }),
        (exponents, p, seed) => {
          const n = exponents.length;
          const a = withSpectrum(
            exponents.map((exponent) => 10 ** exponent),
            seed,
          );
          const byEigen = inverseRoot(a, n, p);
          expect(difference(inverseRoot(a, n, p, { method: 'newton' }), byEigen)).toBeLessThan(1e-8);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('agree on the accumulated outer products of fewer gradients than rows, as Shampoo has them', () => {
    const n = 24;
    const gradients = randomSymmetric(n, 6).map((value, i) => (i % n < 5 ? value : 0));
    const a = product(gradients, transpose(gradients, n), n);
    const byEigen = inverseRoot(a, n, 4, { damping: 1e-4 });
    expect(difference(inverseRoot(a, n, 4, { damping: 1e-4, method: 'newton' }), byEigen)).toBeLessThan(1e-9);
  });
});

describe('inverseRootFromEigen', () => {
  it('counts an eigenvalue a rounding error below zero as zero', () => {
    const eigen = { values: Float64Array.of(-1e-17, 1), vectors: identity(2) };
    const root = inverseRootFromEigen(eigen, 1, { damping: 0.5 });
    expect(difference(root, Float64Array.of(2, 0, 0, 1 / 1.5))).toBeLessThan(1e-15);
    expect(() => inverseRootFromEigen(eigen, 1)).toThrow('Raise the damping');
  });

  it('serves several roots of one decomposition', () => {
    const a = withSpectrum([1, 2, 3], 4);
    expect(inverseRootFromEigen(eigh(a, 3), 3)).toEqual(inverseRoot(a, 3, 3));
  });

  it('refuses vectors of another side', () => {
    expect(() => inverseRootFromEigen({ values: Float64Array.of(1), vectors: identity(2) }, 2)).toThrow(
      '4 entries',
    );
  });
});
