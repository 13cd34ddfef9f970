import { readFileSync } from 'node:fs';
import { createRandom } from '@apo/core';
import { strToU8 } from 'fflate';
import { describe, expect, it } from 'vitest';
import { uciFile, uciStore } from '../../test/real-data.js';
import { parseNumericCsv } from './csv.js';
import type { DataStore } from './data-set.js';
import { rowCount } from './rows.js';
import type { PairedSplits, Rows } from './rows.js';
import { loadUci, uciParkinsons, uciProtein, uciSlice } from './uci.js';
import type { UciDataSet } from './uci.js';

/** Twenty rows: id, x1 = row, x2 = 7 always, target = 10 · row. */
const toy: UciDataSet = {
  files: { name: 'toy', title: 'Toy', files: [{ name: 'toy.csv' }], urls: [] },
  rows: 20,
  columns: 4,
  targets: ['y'],
  ignored: ['id'],
};
const lines = Array.from({ length: 20 }, (_, i) => `${100 + i},${i},7,${10 * i}`);

function storeOf(text: string): DataStore {
  return { read: () => Promise.resolve(strToU8(text)) };
}

const load = (
  rows: readonly string[] = lines,
  header = 'id,x1,x2,y',
  splitSeed?: number,
): Promise<PairedSplits> =>
  loadUci(toy, storeOf([header, ...rows].join('\n')), { ...(splitSeed !== undefined && { splitSeed }) });

const column = ({ values, width }: Rows, index: number): number[] =>
  Array.from(values).filter((_, k) => k % width === index);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
function variance(values: readonly number[]): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}

describe('loadUci', () => {
  it('splits 18 to 2, leaves out what identifies, and standardises by the training rows', async () => {
    const { train, test } = await load();
    expect([train.inputs.width, train.targets.width]).toEqual([2, 1]);
    expect([rowCount(train.inputs), rowCount(test.inputs)]).toEqual([18, 2]);
    for (const values of [column(train.inputs, 0), column(train.targets, 0)]) {
      expect(mean(values)).toBeCloseTo(0, 6);
      expect(variance(values)).toBeCloseTo(1, 6);
    }
    // The second feature never changes.
    expect(new Set([...column(train.inputs, 1), ...column(test.inputs, 1)])).toEqual(new Set([0]));
    // y = 10 x1, so both are the same once standardised, in the test rows too.
    [train, test].forEach(({ inputs, targets }) =>
      column(inputs, 0).forEach((value, row) => expect(value).toBeCloseTo(targets.values[row]!, 5)),
    );
    // Every row is in one of the two: distances between neighbours of 0 … 19 are equal.
    const all = [...column(train.inputs, 0), ...column(test.inputs, 0)].sort((a, b) => a - b);
    all.slice(1).forEach((value, i) => expect(value - all[i]!).toBeCloseTo(all[1]! - all[0]!, 5));
  });

  it('splits the same way for the same seed, and at random', async () => {
    const first = await load();
    expect(await load(lines, 'id,x1,x2,y', 0)).toEqual(first);
    expect(await load(lines, 'id,x1,x2,y', 1)).not.toEqual(first);
    // The order of the draw is the sampler's permutation, not the file's.
    const order = createRandom(0).permutation(20);
    const ranks = [...order.subarray(0, 18)].map((row) => row - mean([...order.subarray(0, 18)]));
    const scale = Math.sqrt(variance(ranks));
    column(first.train.inputs, 0).forEach((value, i) => expect(value).toBeCloseTo(ranks[i]! / scale, 5));
  });

  it.each([
    ['a row too few', lines.slice(1), undefined, /Toy's toy\.csv has 19 rows; expected 20/],
    ['a row too many', [...lines, '1,2,3,4'], undefined, /has 21 rows; expected 20/],
    ['a short row', [...lines.slice(1), '1,2,3'], undefined, /line 21 has 3 cells; expected 4/],
    ['a missing target', [...lines.slice(1), '1,2,3,'], undefined, /line 21 has "" as y/],
    ['a word', ['1,two,3,4', ...lines.slice(1)], undefined, /line 2 has "two" as x1/],
    ['a header without the target', lines, 'id,x1,x2,z', /has no column "y"; it has id, x1, x2, z/],
    ['a header with a column less', lines, 'id,x1,y', /header has 3 columns; expected 4/],
  ])('refuses %s', async (_, rows, header, message) => {
    await expect(load(rows, header)).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('uciSlice', () => {
  /** `count` rows of the whole width in the format of the set: one feature is constant, the target is the row's number. */
  function generated(count: number): string {
    const random = createRandom(9);
    const header = ['patientId', ...Array.from({ length: 384 }, (_, i) => `value${i}`), 'reference'];
    const rows = Array.from({ length: count }, (_, row) => [
      row % 97,
      ...Array.from({ length: 384 }, (_, i) => (i === 59 ? 0 : random.next().toFixed(6))),
      row / 10,
    ]);
    return [header, ...rows].map((cells) => cells.join(',')).join('\n');
  }

  it('reads a generated table of its format', async () => {
    const { train, test } = await loadUci({ ...uciSlice, rows: 50 }, storeOf(generated(50)));
    expect([train.inputs.width, train.targets.width]).toEqual([384, 1]);
    expect([rowCount(train.inputs), rowCount(test.inputs)]).toEqual([45, 5]);
    expect(new Set(column(train.inputs, 59))).toEqual(new Set([0]));
    expect(variance(column(train.inputs, 383))).toBeCloseTo(1, 5);
  });

  it('refuses a part of the set', async () => {
    await expect(loadUci(uciSlice, storeOf(generated(20)))).rejects.toThrow(/has 20 rows; expected 53500/);
  });
});

// The numbers below were counted with awk in the published files.
describe.runIf(uciFile('CASP.csv') !== undefined)('the published Protein table', () => {
  it('has 45,730 rows of 9 features, standardised by 41,157 of them', async () => {
    const { train, test } = await loadUci(uciProtein, uciStore('CASP.csv'));
    expect([rowCount(train.inputs), rowCount(test.inputs)]).toEqual([41_157, 4_573]);
    expect([train.inputs.width, train.targets.width]).toEqual([9, 1]);
    for (let feature = 0; feature < 9; feature++) {
      expect(Math.abs(mean(column(train.inputs, feature)))).toBeLessThan(1e-4);
      expect(variance(column(train.inputs, feature))).toBeCloseTo(1, 4);
      // 4,573 rows from the same table: means scatter by 1/√4573 = .015; five of them.
      expect(Math.abs(mean(column(test.inputs, feature)))).toBeLessThan(0.075);
    }
  });
});

describe.runIf(uciFile('parkinsons_updrs.data') !== undefined)('the published Parkinsons table', () => {
  it('has 5,875 rows, 19 features without the subject, and both scores, which go together', async () => {
    const { train, test } = await loadUci(uciParkinsons, uciStore('parkinsons_updrs.data'));
    expect([rowCount(train.inputs), rowCount(test.inputs)]).toEqual([5_288, 587]);
    expect([train.inputs.width, train.targets.width]).toEqual([19, 2]);
    const [motor, total] = [column(train.targets, 0), column(train.targets, 1)];
    // Their correlation in the whole table is .947.
    expect(mean(motor.map((value, i) => value * total[i]!))).toBeCloseTo(0.947, 2);
  });
});

const head = uciFile('slice_localization_head.csv');
describe.runIf(head !== undefined)('the first rows of the published Slice table', () => {
  it('have the announced columns, and are refused as the whole', async () => {
    const text = readFileSync(head!, 'utf8');
    const table = parseNumericCsv(text, { what: 'Slice', columns: uciSlice.columns });
    expect(table.rowCount).toBe(682);
    expect(table.columns[0]).toBe('patientId');
    expect(table.columns.at(-1)).toBe('reference');
    const { train } = await loadUci({ ...uciSlice, rows: 682 }, storeOf(text));
    expect([rowCount(train.inputs), train.inputs.width]).toEqual([614, 384]);
    await expect(loadUci(uciSlice, storeOf(text))).rejects.toThrow(/has 682 rows; expected 53500/);
  });
});
