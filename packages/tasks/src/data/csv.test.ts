import { describe, expect, it } from 'vitest';
import { parseNumericCsv, selectColumns } from './csv.js';

const parse = (text: string, columns?: number): ReturnType<typeof parseNumericCsv> =>
  parseNumericCsv(text, { what: 'Toy', ...(columns !== undefined && { columns }) });

const refusal = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'DATA_CORRUPT', message: expect.stringMatching(message) as string });

describe('parseNumericCsv', () => {
  it('reads a header and numbers in every notation', () => {
    const table = parse('a,"b, c"\n1,-2.5\n"3.38e-005", +.5\n7.,1E3\n');
    expect(table.columns).toEqual(['a', 'b, c']);
    expect(table.rowCount).toBe(3);
    expect([...table.values]).toEqual([1, -2.5, 3.38e-5, 0.5, 7, 1000]);
  });

  it('takes lines that end in CR LF, a byte order mark, and a last line without an end', () => {
    const table = parse('\ufeffa,b\r\n1,2\r\n3,4');
    expect(table.columns).toEqual(['a', 'b']);
    expect([...table.values]).toEqual([1, 2, 3, 4]);
  });

  it('reads more rows than it first makes room for', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `${i},${2 * i}`);
    const { rowCount, values } = parse(['x,y', ...rows].join('\n'));
    expect(rowCount).toBe(5000);
    expect([...values.subarray(9996)]).toEqual([4998, 9996, 4999, 9998]);
  });

  it.each([
    ['a missing cell', 'a,b\n1,2\n3\n', /line 3 has 1 cells; expected 2/],
    ['a cell too many', 'a,b\n1,2,3\n', /line 2 has 3 cells; expected 2/],
    ['an empty line in between', 'a,b\n1,2\n\n3,4\n', /line 3 has 1 cells/],
    ['a missing value', 'a,b\n1,2\n3,\n', /line 3 has "" as b; expected a finite number/],
    ['a word', 'a,b\n1,2\n?,4\n', /line 3 has "\?" as a/],
    ['NaN', 'a\nNaN\n', /line 2 has "NaN" as a/],
    ['infinity', 'a\n1e999\n', /line 2 has "1e999" as a/],
    ['a hexadecimal number', 'a\n0x10\n', /line 2 has "0x10"/],
    ['two numbers in one cell', 'a\n1 2\n', /line 2 has "1 2"/],
    ['an open quote', 'a,b\n"1,2\n3,4\n', /line 2 has 1 cells/],
    ['the same name twice', 'a,a\n1,2\n', /column "a" twice/],
    ['no rows', 'a,b\n', /no rows/],
    ['nothing at all', '', /no rows/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(refusal(message));
  });

  it('refuses another number of columns than expected', () => {
    expect(() => parse('a,b\n1,2\n', 3)).toThrow(refusal(/^Toy .* header has 2 columns; expected 3/));
  });
});

describe('selectColumns', () => {
  const table = parse('a,b,c\n1,2,3\n4,5,6\n');

  it('gives the columns in the order of the names', () => {
    expect([...selectColumns(table, ['c', 'a'], 'Toy')]).toEqual([3, 1, 6, 4]);
  });

  it('refuses a column that is missing, and no column', () => {
    expect(() => selectColumns(table, ['a', 'd'], 'Toy')).toThrow(
      refusal(/^Toy has no column "d"; it has a, b, c/),
    );
    expect(() => selectColumns(table, [], 'Toy')).toThrow(/No column of Toy/);
  });
});
