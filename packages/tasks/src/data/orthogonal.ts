/** Random matrices with orthonormal columns and with given singular values, in float64, from a seeded generator. For a handful of rows; not a linear algebra library. */
import { requireArgument } from '@apo/core';
import type { Random } from '@apo/core';

/** Row-major: `matrix[i][j]` is row i, column j. */
export type Matrix = readonly (readonly number[])[];

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/**
 * `columns` orthonormal vectors of length `rows`, uniformly distributed: normal draws, orthogonalised by Gram–Schmidt,
 * twice, which keeps them orthogonal to float64's precision (Giraud, Langou & Rozložník 2005). Row-major `[columns][rows]`.
 * @throws ApoError `INVALID_ARGUMENT` for more vectors than dimensions.
 */
export function orthonormalVectors(columns: number, rows: number, random: Random): number[][] {
  requireArgument(
    columns <= rows,
    () => `There are no ${columns} orthonormal vectors of length ${rows}; ask for at most ${rows}.`,
  );
  const vectors: number[][] = [];
  while (vectors.length < columns) {
    let vector = Array.from({ length: rows }, () => random.normal());
    for (const previous of [...vectors, ...vectors]) {
      const along = dot(vector, previous);
      vector = vector.map((value, i) => value - along * previous[i]!);
    }
    const norm = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((value) => value / norm));
  }
  return vectors;
}

/**
 * A = U diag(singularValues) Vᵀ `[rows, columns]` with random orthonormal U `[rows, k]` and V `[columns, k]`, where k is the
 * number of singular values.
 * @throws ApoError `INVALID_ARGUMENT` for more singular values than rows or columns.
 */
export function matrixWithSingularValues(
  rows: number,
  columns: number,
  singularValues: readonly number[],
  random: Random,
): Matrix {
  const left = orthonormalVectors(singularValues.length, rows, random);
  const right = orthonormalVectors(singularValues.length, columns, random);
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) =>
      singularValues.reduce((sum, value, k) => sum + left[k]![i]! * value * right[k]![j]!, 0),
    ),
  );
}

/** `count` values from 1 down to 1 / `condition`, equally spaced on a logarithmic scale. */
export function logSpacedSingularValues(count: number, condition: number): number[] {
  return Array.from({ length: count }, (_, i) => condition ** (-i / (count - 1)));
}
