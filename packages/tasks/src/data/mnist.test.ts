import { beforeAll, describe, expect, it } from 'vitest';
import { fileStore } from '../node/file-store.js';
import type { DataStore } from './data-set.js';
import type { LabelledSplits } from './examples.js';
import { loadMnist, mnistFiles } from './mnist.js';

/** Only what is installed or already in the data folder: tests do not download. */
const store = fileStore({ download: false });

let mnist: LabelledSplits;

beforeAll(async () => {
  mnist = await loadMnist(store);
});

function counts(labels: Uint8Array): number[] {
  const perClass = new Array<number>(10).fill(0);
  for (const label of labels) perClass[label]!++;
  return perClass;
}

// The numbers are well-known properties of the published data set.
describe('loadMnist', () => {
  it('has 60,000 and 10,000 images of 28 × 28', () => {
    expect(mnist.train.inputs).toHaveLength(60_000 * 784);
    expect(mnist.test.inputs).toHaveLength(10_000 * 784);
    expect([mnist.train.exampleShape, mnist.train.classes]).toEqual([[28, 28], 10]);
  });

  it('has the known labels at both ends', () => {
    expect([...mnist.train.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    expect([...mnist.train.labels.subarray(-3)]).toEqual([5, 6, 8]);
    expect([...mnist.test.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    expect([...mnist.test.labels.subarray(-3)]).toEqual([4, 5, 6]);
  });

  it('has the known class counts', () => {
    expect(counts(mnist.train.labels)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(counts(mnist.test.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });

  it('has the known mean 0.1307 and standard deviation 0.3081', () => {
    let [sum, squares] = [0, 0];
    for (const byte of mnist.train.inputs) {
      sum += byte;
      squares += byte * byte;
    }
    const mean = sum / mnist.train.inputs.length / 255;
    expect(mean).toBeCloseTo(0.1307, 4);
    expect(Math.sqrt(squares / mnist.train.inputs.length / 255 ** 2 - mean ** 2)).toBeCloseTo(0.3081, 4);
  });

  it('refuses files that are valid IDX but not MNIST', async () => {
    const header = (rank: number, ...dimensions: number[]): number[] => [
      ...[0, 0, 8, rank],
      ...dimensions.flatMap((d) => [0, 0, 0, d]),
    ];
    const other: DataStore = {
      read: () => Promise.resolve(Uint8Array.from([...header(3, 1, 2, 2), 1, 2, 3, 4])),
    };
    await expect(loadMnist(other)).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('uint8 [1, 2, 2]; expected uint8 [60000, 28, 28]') as string,
    });
  });

  it('announces sizes that agree with the IDX headers', () => {
    // A header is 4 bytes and 4 a dimension.
    const expected = [16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000];
    expect(mnistFiles.files.map(({ bytes }) => bytes)).toEqual(expected);
  });
});
