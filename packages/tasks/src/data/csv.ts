/** Numbers out of a CSV file with a header, strictly: every cell of every row is a finite number, or the file is refused. Splitting and unquoting are d3-dsv's. */
import { ApoError, requireArgument } from '@apo/core';
import { csvParseRows } from 'd3-dsv';

/** Signs, a fraction, an exponent; no hexadecimal, no words, nothing empty. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

export interface NumericTable {
  readonly columns: readonly string[];
  readonly rowCount: number;
  /** `[rowCount, columns.length]`, row-major. */
  readonly values: Float64Array;
}

/**
 * Parses the whole file. Blanks around cells are ignored; the end of the last line may be missing. Rows are numbered as
 * lines of the file, the header being line 1.
 * @param what how messages call the file.
 * @throws ApoError `DATA_CORRUPT` for a header or a row with another number of cells, a cell that is not a finite number,
 *   two columns of the same name, or no row at all: which line, what it has, what was expected.
 */
export function parseNumericCsv(
  text: string,
  { what, columns: expected }: { readonly what: string; readonly columns?: number },
): NumericTable {
  const refuse = (problem: string): never => {
    throw new ApoError('DATA_CORRUPT', `${what} is not the expected table: ${problem}`);
  };
  let columns: readonly string[] = [];
  let values = new Float64Array(0);
  let rowCount = 0;
  // A byte order mark would be part of the first name.
  csvParseRows(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, (cells, line) => {
    if (line === 0) {
      columns = cells.map((cell) => cell.trim());
      if (expected !== undefined && columns.length !== expected) {
        refuse(`its header has ${columns.length} columns; expected ${expected}.`);
      }
      const twice = columns.find((name, i) => columns.indexOf(name) !== i);
      if (twice !== undefined) refuse(`its header has the column "${twice}" twice.`);
      values = new Float64Array(columns.length * 1024);
      return null;
    }
    if (cells.length !== columns.length) {
      refuse(`line ${line + 1} has ${cells.length} cells; expected ${columns.length}.`);
    }
    const start = rowCount++ * columns.length;
    if (start + columns.length > values.length) values = grown(values);
    for (let column = 0; column < cells.length; column++) {
      const cell = cells[column]!.trim();
      const value = NUMBER.test(cell) ? Number(cell) : NaN;
      if (!Number.isFinite(value)) {
        refuse(
          `line ${line + 1} has "${cell.slice(0, 40)}" as ${columns[column]!}; expected a finite number.`,
        );
      }
      values[start + column] = value;
    }
    return null;
  });
  if (rowCount === 0) refuse('it has no rows below a header.');
  return { columns, rowCount, values: values.subarray(0, rowCount * columns.length) };
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length);
  larger.set(values);
  return larger;
}

/**
 * The columns called `names` as `[rowCount, names.length]`, row-major.
 * @throws ApoError `DATA_CORRUPT` for a name that the table does not have.
 */
export function selectColumns(
  { columns, rowCount, values }: NumericTable,
  names: readonly string[],
  what: string,
): Float64Array {
  requireArgument(names.length > 0, () => `No column of ${what} was asked for; name at least one.`);
  const indices = names.map((name) => {
    const index = columns.indexOf(name);
    if (index === -1) {
      const shown = columns.slice(0, 30).join(', ');
      throw new ApoError('DATA_CORRUPT', `${what} has no column "${name}"; it has ${shown}.`);
    }
    return index;
  });
  const selected = new Float64Array(rowCount * names.length);
  for (let row = 0; row < rowCount; row++) {
    indices.forEach((column, to) => {
      selected[row * names.length + to] = values[row * columns.length + column]!;
    });
  }
  return selected;
}
