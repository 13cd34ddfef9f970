import { expect, test } from 'vitest';
import { evenly, FEATURES, features } from './features.js';
import { createRegression, dot, EXAMPLES, OTHER_INPUTS } from './regression.js';

const regression = createRegression();

test('there are more weights than examples, and the examples are among the other inputs', () => {
  expect(features(0)).toHaveLength(FEATURES);
  expect(FEATURES).toBeGreaterThan(6 * EXAMPLES.length);
  expect(EXAMPLES).toHaveLength(21);
  for (const { x } of EXAMPLES) expect(OTHER_INPUTS).toContain(x);
});

test('a unit gives its gain at its centre, and the bias gives one', () => {
  // Only the units centred at 0 give as much as their gain there: 0.5, 0.25, 0.1 and 0.05.
  const [bias, ...units] = features(0);
  expect(bias).toBe(1);
  for (const gain of [0.5, 0.25, 0.1, 0.05]) expect(units.filter((value) => value === gain)).toHaveLength(1);
});

test('evenly includes both ends', () => {
  expect(evenly(5)).toEqual([-3, -1.5, 0, 1.5, 3]);
});

test('the basis keeps every kernel value φ(x)ᵀφ(x̃) and makes the metric of the other inputs diagonal', () => {
  const rows = OTHER_INPUTS.map(regression.coordinates);
  for (const x of [-3, -0.4, 0, 2.7]) {
    const z = regression.coordinates(x);
    OTHER_INPUTS.forEach((other, i) => {
      expect(dot(z, rows[i]!)).toBeCloseTo(dot(features(x), features(other)), 9);
    });
  }
  const { singularValues } = regression;
  singularValues.forEach((_, i) => {
    singularValues.forEach((_, j) => {
      const entry = rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
      expect(entry).toBeCloseTo(i === j ? singularValues[i]! ** 2 : 0, 7);
    });
  });
});

test('θ is the ridge regression on the examples: the gradient there is zero', () => {
  const { theta, coordinates } = regression;
  const rows = EXAMPLES.map(({ x }) => coordinates(x));
  theta.forEach((weight, i) => {
    const gradient = rows.reduce(
      (sum, z, j) => sum + z[i]! * (dot(theta, z) - EXAMPLES[j]!.y),
      1e-3 * weight,
    );
    expect(Math.abs(gradient)).toBeLessThan(1e-9);
  });
  for (const [i, { y }] of EXAMPLES.entries()) expect(Math.abs(dot(theta, rows[i]!) - y)).toBeLessThan(0.02);
});
