/** Three regression sets of the UCI Machine Learning Repository: their files, their columns, and how a table becomes standardised training and test rows. */
import { ApoError, createRandom } from '@apo/core';
import { parseNumericCsv, selectColumns } from './csv.js';
import type { NumericTable } from './csv.js';
import type { DataSetFiles, DataStore } from './data-set.js';
import type { PairedRows, PairedSplits } from './rows.js';
import { columnStatistics, standardizedRows } from './standardize.js';

/** A regression data set in one CSV file. */
export interface UciDataSet {
  readonly files: DataSetFiles;
  readonly rows: number;
  readonly columns: number;
  readonly targets: readonly string[];
  /** Columns that identify and do not describe. */
  readonly ignored: readonly string[];
}

function archive(id: number): string {
  return `https://archive.ics.uci.edu/static/public/${id}`;
}

/** Protein tertiary structure (Rana 2013, doi:10.24432/C5QW3H): 9 features of decoys, their deviation `RMSD` in Å. */
export const uciProtein: UciDataSet = {
  files: {
    name: 'uci-protein',
    folder: 'uci',
    title: 'UCI Protein',
    files: [
      {
        name: 'CASP.csv',
        bytes: 3_528_710,
        checksum: 'sha256:4277cfcb4e91a181746cbc654f001b57951c9e6a80f4f795fdb5c807e0848f40',
        zip: { name: 'physicochemical+properties+of+protein+tertiary+structure.zip' },
      },
    ],
    urls: [archive(265)],
  },
  rows: 45_730,
  columns: 10,
  targets: ['RMSD'],
  ignored: [],
};

/** Parkinsons telemonitoring (Tsanas & Little 2009, doi:10.24432/C5ZS3N): 19 features of voice recordings, two scores. */
export const uciParkinsons: UciDataSet = {
  files: {
    name: 'uci-parkinsons',
    folder: 'uci',
    title: 'UCI Parkinsons',
    files: [
      {
        name: 'parkinsons_updrs.data',
        bytes: 911_261,
        checksum: 'sha256:f2c7d5025dec4e92e7feae367a5f7ccf58789a10ac6b54bdf15976c599f9dd39',
        zip: { name: 'parkinsons+telemonitoring.zip' },
      },
    ],
    urls: [archive(189)],
  },
  rows: 5_875,
  columns: 22,
  targets: ['motor_UPDRS', 'total_UPDRS'],
  ignored: ['subject#'],
};

/**
 * CT slice localisation (Graf et al. 2011, doi:10.24432/C5CP6G): 384 features of an image, the position `reference` along
 * the body in cm. Nobody publishes a digest of the table, so its rows and columns are counted instead.
 */
export const uciSlice: UciDataSet = {
  files: {
    name: 'uci-slice',
    folder: 'uci',
    title: 'UCI Slice',
    files: [
      {
        name: 'slice_localization_data.csv',
        zip: { name: 'relative+location+of+ct+slices+on+axial+axis.zip' },
      },
    ],
    urls: [archive(206)],
  },
  rows: 53_500,
  columns: 386,
  targets: ['reference'],
  ignored: ['patientId'],
};

const TRAIN_FRACTION = 0.9;

/**
 * Reads a set and splits it: round(0.9 · rows) random rows to train, the others to test, in the order of the draw.
 * Inputs and targets are standardised by the training rows. The same `splitSeed` gives the same split everywhere.
 * @throws ApoError `DATA_UNAVAILABLE` or `DATA_CORRUPT`, from the store or from the table (which row, which column).
 */
export async function loadUci(
  dataSet: UciDataSet,
  store: DataStore,
  { splitSeed = 0 }: { readonly splitSeed?: number } = {},
): Promise<PairedSplits> {
  const random = createRandom(splitSeed);
  const [file] = dataSet.files.files;
  const what = `${dataSet.files.title}'s ${file!.name}`;
  const bytes = await store.read(dataSet.files, file!.name);
  const table = parseNumericCsv(new TextDecoder().decode(bytes), { what, columns: dataSet.columns });
  if (table.rowCount !== dataSet.rows) {
    throw new ApoError(
      'DATA_CORRUPT',
      `${what} has ${table.rowCount} rows; expected ${dataSet.rows}. Delete it, so that it is downloaded again.`,
    );
  }
  return splitTable(dataSet, table, what, random.permutation(table.rowCount));
}

function splitTable(
  { targets, ignored }: UciDataSet,
  table: NumericTable,
  what: string,
  order: Int32Array,
): PairedSplits {
  const features = table.columns.filter((name) => !targets.includes(name) && !ignored.includes(name));
  const trainCount = Math.round(TRAIN_FRACTION * table.rowCount);
  const [trainOrder, testOrder] = [order.subarray(0, trainCount), order.subarray(trainCount)];
  const [inputs, wanted] = [features, targets].map((names) => {
    const values = selectColumns(table, names, what);
    const statistics = columnStatistics(values, names.length, trainOrder);
    return {
      train: standardizedRows(values, trainOrder, statistics),
      test: standardizedRows(values, testOrder, statistics),
    };
  });
  const pair = (split: 'train' | 'test'): PairedRows => ({
    inputs: inputs![split],
    targets: wanted![split],
  });
  return { train: pair('train'), test: pair('test') };
}
