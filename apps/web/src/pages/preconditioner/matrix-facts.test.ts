import { expect, it } from 'vitest';
import { changeOf, factsOf, rowOf } from './matrix-facts.js';

const matrix = (rows: number, columns: number, values: readonly number[]) => ({
  rows,
  columns,
  values: Float32Array.from(values),
});

it('A and B start from I, S from ones', () => {
  const square = matrix(2, 2, [1.5, 0.25, -0.5, 0]);
  expect([...changeOf('A', square).values]).toEqual([0.5, 0.25, -0.5, -1]);
  expect([...changeOf('S', matrix(1, 3, [1, 2, 0.5])).values]).toEqual([0, 1, -0.5]);
  // The matrix itself stays as it is.
  expect([...square.values]).toEqual([1.5, 0.25, -0.5, 0]);
});

it('gives the norm and the largest entries, by row and column from 1', () => {
  const { norm, largest } = factsOf(matrix(2, 3, [3, 0, -4, 1, 0, 2]), 3);
  // √(9 + 16 + 1 + 4)
  expect(norm).toBeCloseTo(Math.sqrt(30), 12);
  expect(largest).toEqual([
    { row: 1, column: 3, value: -4 },
    { row: 1, column: 1, value: 3 },
    { row: 2, column: 3, value: 2 },
  ]);
});

it('has no largest entry among zeros, and keeps the first of equal ones', () => {
  expect(factsOf(matrix(1, 2, [0, 0])).largest).toEqual([]);
  expect(factsOf(matrix(1, 3, [1, -1, 1]), 2).largest.map(({ column }) => column)).toEqual([1, 2]);
});

it('takes out a row', () => {
  expect([...rowOf(matrix(2, 2, [1, 2, 3, 4]), 2)]).toEqual([3, 4]);
});
