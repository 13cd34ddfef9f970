/** What is said of a matrix beside its picture: how far it is from its start, its norm, its largest entries. */
import type { Matrix } from './contract.js';

export type FactorName = 'A' | 'B' | 'S';

export interface Entry {
  /** From 1. */
  readonly row: number;
  readonly column: number;
  readonly value: number;
}

export interface MatrixFacts {
  /** Frobenius. */
  readonly norm: number;
  /** By magnitude, the largest first; none that is zero. */
  readonly largest: readonly Entry[];
}

/** M − I for A and B, M − 1 for S: where they start. */
export function changeOf(name: FactorName, { rows, columns, values }: Matrix): Matrix {
  const changed = values.slice();
  if (name === 'S') changed.forEach((value, i) => (changed[i] = value - 1));
  else for (let i = 0; i < changed.length; i += columns + 1) changed[i]! -= 1;
  return { rows, columns, values: changed };
}

/** The norm and the `count` largest entries. */
export function factsOf({ columns, values }: Matrix, count = 3): MatrixFacts {
  let squares = 0;
  const largest: { at: number; size: number }[] = [];
  values.forEach((value, at) => {
    squares += value ** 2;
    const size = Math.abs(value);
    if (size === 0 || (largest.length === count && size <= largest[count - 1]!.size)) return;
    const place = largest.findIndex((entry) => entry.size < size);
    largest.splice(place === -1 ? largest.length : place, 0, { at, size });
    largest.length = Math.min(largest.length, count);
  });
  return {
    norm: Math.sqrt(squares),
    largest: largest.map(({ at }) => ({
      row: Math.floor(at / columns) + 1,
      column: (at % columns) + 1,
      value: values[at]!,
    })),
  };
}

/** Row `row`, from 1. */
export function rowOf({ columns, values }: Matrix, row: number): Float32Array {
  return values.slice((row - 1) * columns, row * columns);
}
