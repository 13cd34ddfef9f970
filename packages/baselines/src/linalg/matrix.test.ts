import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isApoError } from '@apo/core';
import { LinalgError } from './linalg-error.js';
import { loops } from './dense-loops.js';
import { largestMagnitude, symmetrised } from './matrix.js';
import { difference, product, randomSymmetric, transpose } from './testing/matrices.js';

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('symmetrised', () => {
  it('averages the triangles, from float32 too, and leaves its input alone', () => {
    const a = Float32Array.of(2, 1, 1.0000001192092896, 3);
    expect(symmetrised(a, 2)).toEqual(Float64Array.of(2, 1.0000000596046448, 1.0000000596046448, 3));
    expect(a[1]).toBe(1);
  });

  it.each([
    ['NaN', Float64Array.of(1, NaN, NaN, 1), 'non-finite', 'NON_FINITE'],
    ['infinity', Float64Array.of(1, 0, 0, -Infinity), 'non-finite', 'NON_FINITE'],
    ['asymmetry', Float64Array.of(1, 2, 2.1, 1), 'not-symmetric', 'INVALID_ARGUMENT'],
  ])('refuses %s and names the layer', (_, a, reason, code) => {
    const error = caught(() => symmetrised(a, 2, { layer: 'dense_1/kernel' }));
    expect(error).toBeInstanceOf(LinalgError);
    expect(error).toMatchObject({ name: 'ApoError', reason, code, layer: 'dense_1/kernel' });
    expect(String(error)).toContain("Layer 'dense_1/kernel':");
    expect(isApoError(error)).toBe(true);
  });

  it('allows what the caller allows', () => {
    expect(symmetrised(Float64Array.of(1, 2, 2.1, 1), 2, { symmetryTolerance: 0.1 })[1]).toBeCloseTo(
      2.05,
      12,
    );
    expect(() => symmetrised(Float64Array.of(1, 2, 2 + 1e-12, 1), 2, { symmetryTolerance: 0 })).toThrow(
      'expected a symmetric matrix',
    );
  });

  it('refuses a wrong length', () => {
    expect(() => symmetrised(new Float64Array(5), 2)).toThrow('has 5 entries; expected 2·2 = 4');
    expect(() => symmetrised(new Float64Array(4), 1.5)).toThrow('expected a whole number');
  });
});

describe('products', () => {
  // Sides around the tile sizes 32, 64 and 256.
  it.each([0, 1, 3, 63, 66, 130, 258])('A·Aᵀ of side %i is the sum it is defined as', (n) => {
    const a = randomSymmetric(n, 3).map((value, i) => value + (i % 7) / 7);
    const expected = product(a, transpose(a, n), n);
    const computed = loops.symmetricProduct(a, a, n);
    expect(difference(computed, expected)).toBeLessThan(1e-14);
    expect(computed).toEqual(transpose(computed, n));
  });

  it.each([5, 70, 260])('upper triangular factors of side %i give the same as without the shortcut', (n) => {
    const upper = randomSymmetric(n, 4).map((value, i) => (i % n >= Math.floor(i / n) ? value : 0));
    expect(loops.symmetricProduct(upper, upper, n, { upper: true })).toEqual(
      loops.symmetricProduct(upper, upper, n),
    );
  });

  it('transposes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 99 }), (n, seed) => {
        const a = randomSymmetric(n, seed).map((value, i) => value * i);
        expect(loops.transposed(a, n)).toEqual(transpose(a, n));
      }),
      { numRuns: 20 },
    );
  });

  it('finds the largest magnitude', () => {
    expect(largestMagnitude(Float64Array.of(1, -3, 2))).toBe(3);
    expect(largestMagnitude(new Float64Array(0))).toBe(0);
  });
});
