/** Matrices in double precision, row by row, for expected values. Not published. */

export class Matrix {
  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly values: readonly number[],
  ) {}

  times(other: Matrix): Matrix {
    return of(this.rows, other.columns, (i, j) => {
      let sum = 0;
      for (let k = 0; k < this.columns; k++) sum += at(this, i, k) * at(other, k, j);
      return sum;
    });
  }

  transposed(): Matrix {
    return of(this.columns, this.rows, (i, j) => at(this, j, i));
  }

  plus(other: Matrix): Matrix {
    return of(this.rows, this.columns, (i, j) => at(this, i, j) + at(other, i, j));
  }

  /** Element by element. */
  by(other: Matrix): Matrix {
    return of(this.rows, this.columns, (i, j) => at(this, i, j) * at(other, i, j));
  }

  scaled(factor: number): Matrix {
    return of(this.rows, this.columns, (i, j) => factor * at(this, i, j));
  }

  /** To float32. */
  rounded(): Matrix {
    return of(this.rows, this.columns, (i, j) => Math.fround(at(this, i, j)));
  }
}

export function eye(size: number): Matrix {
  return of(size, size, (i, j) => (i === j ? 1 : 0));
}

function at({ columns, values }: Matrix, row: number, column: number): number {
  return values[row * columns + column]!;
}

function of(rows: number, columns: number, value: (row: number, column: number) => number): Matrix {
  return new Matrix(
    rows,
    columns,
    Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
  );
}
