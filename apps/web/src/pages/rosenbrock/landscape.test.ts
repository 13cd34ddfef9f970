import { describe, expect, it, test } from 'vitest';
import {
  axes,
  gradientAt,
  inverseGaussNewton,
  MINIMUM,
  toFunction,
  toPlane,
  turned,
  valueAt,
} from './landscape.js';
import type { Point } from './landscape.js';

const PLACES: readonly Point[] = [
  [1, -1.5],
  [-1.2, 1],
  [0.3, 2.7],
];

describe('the function', () => {
  it('is 625 at (1, −1.5), 1 at the origin and 0 at its minimum', () => {
    expect(valueAt([1, -1.5])).toBe(625);
    expect(valueAt([0, 0])).toBe(1);
    expect(valueAt(MINIMUM)).toBe(0);
  });

  it.each(PLACES)('has the gradient of central differences at (%d, %d)', (x, y) => {
    const h = 1e-5;
    const [dx, dy] = gradientAt([x, y]);
    expect(dx).toBeCloseTo((valueAt([x + h, y]) - valueAt([x - h, y])) / (2 * h), 4);
    expect(dy).toBeCloseTo((valueAt([x, y + h]) - valueAt([x, y - h])) / (2 * h), 4);
  });
});

describe('turning', () => {
  it('by 90° takes what is right of the minimum to above it, and leaves the minimum', () => {
    expect(toPlane([2, 1], 90)).toEqual([1, 2]);
    expect(toPlane(MINIMUM, 37)).toEqual(MINIMUM);
  });

  it.each([0, 26.565, -90, 45])('by %d° is undone by the other way', (degrees) => {
    for (const place of PLACES) {
      const [x, y] = toFunction(toPlane(place, degrees), degrees);
      expect(x).toBeCloseTo(place[0], 12);
      expect(y).toBeCloseTo(place[1], 12);
    }
  });

  it('of a matrix keeps its eigenvalues and turns its axes', () => {
    const { large, small, angle } = axes([3, 0, 1]);
    expect([large, small, angle]).toEqual([3, 1, 0]);
    const after = axes(turned([3, 0, 1], 30));
    expect(after.large).toBeCloseTo(3, 12);
    expect(after.small).toBeCloseTo(1, 12);
    expect(after.angle).toBeCloseTo(Math.PI / 6, 12);
  });
});

describe('axes', () => {
  it('[[2, 1], [1, 2]] has 3 along (1, 1) and 1', () => {
    const { large, small, angle } = axes([2, 1, 2]);
    expect(large).toBeCloseTo(3, 12);
    expect(small).toBeCloseTo(1, 12);
    expect(angle).toBeCloseTo(Math.PI / 4, 12);
  });

  it('keeps the digits of a small eigenvalue', () => {
    // diag(1, 1e-18) turned by 0: the determinant, 1e-18, over the larger one.
    expect(axes([1, 0, 1e-18]).small).toBe(1e-18);
    expect(axes([0, 0, 0])).toEqual({ large: 0, small: 0, angle: 0 });
  });
});

test('(2 JᵀJ)⁻¹ is the inverse of the curvature of the linearised residuals', () => {
  // At (1, 1): 2 JᵀJ = [[802, −400], [−400, 200]], which is the Hessian, since the residuals are zero.
  const [a, b, c] = inverseGaussNewton(MINIMUM, 0);
  const product = [802 * a - 400 * b, 802 * b - 400 * c, -400 * a + 200 * b, -400 * b + 200 * c];
  product.forEach((value, i) => expect(value).toBeCloseTo([1, 0, 0, 1][i]!, 9));
});

test('turned so that the valley’s floor lies along an axis, the curvature at the minimum is diagonal', () => {
  // The larger eigenvalue of [[802, −400], [−400, 200]] belongs to (2.0025, −1): turning by 26.535° makes it an axis.
  const degrees = (Math.atan2(800, 602) * 90) / Math.PI;
  const [a, b, c] = inverseGaussNewton(MINIMUM, degrees);
  expect(degrees).toBeCloseTo(26.5, 1);
  expect(Math.abs(b)).toBeLessThan(1e-12);
  expect(c / a).toBeGreaterThan(2000);
});
