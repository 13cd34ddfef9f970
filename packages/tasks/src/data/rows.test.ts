import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { pairedSource } from './paired-source.js';
import { pairedBatch, rowCount } from './rows.js';
import type { PairedRows } from './rows.js';

/** Row i has inputs (i, −i) and target i / 4. */
const examples: PairedRows = {
  inputs: {
    values: Float32Array.from({ length: 20 }, (_, k) => (k % 2 === 0 ? k / 2 : -(k - 1) / 2)),
    width: 2,
  },
  targets: { values: Uint8Array.from({ length: 10 }, (_, i) => i), width: 1, unit: 4 },
};

async function take(source: ReturnType<typeof pairedSource>, count: number): Promise<number[][][]> {
  const read: number[][][] = [];
  for (let i = 0; i < count; i++) {
    const batch = await source.next();
    read.push([[...(await batch.inputs.data())], [...(await batch.targets.data())]]);
    source.release(batch);
  }
  return read;
}

describe('pairedBatch', () => {
  it('gathers the rows and divides by the unit', async () => {
    const { inputs, targets } = pairedBatch(examples, [9, 0, 2]);
    expect([inputs.shape, targets.shape]).toEqual([
      [3, 2],
      [3, 1],
    ]);
    expect([...(await inputs.data())]).toEqual([9, -9, 0, -0, 2, -2]);
    expect([...(await targets.data())]).toEqual([2.25, 0, 0.5]);
    tf.dispose([inputs, targets]);
  });

  it('makes one tensor of one table, rounded to float32 once', async () => {
    const before = tf.memory().numTensors;
    const pixels = { values: Uint16Array.of(0, 340, 1020), width: 1, unit: 1020 };
    const { inputs, targets } = pairedBatch({ inputs: pixels, targets: pixels }, [0, 1, 2]);
    expect(targets).toBe(inputs);
    expect(await inputs.data()).toEqual(Float32Array.of(0, 1 / 3, 1));
    inputs.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([10, -1, 0.5])('refuses the index %d', (index) => {
    const before = tf.memory().numTensors;
    expect(() => pairedBatch(examples, [3, index])).toThrow(`indices[1] is ${index}; expected 0 … 9.`);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('pairedSource', () => {
  it('visits every row once per epoch, with its own target', async () => {
    const source = pairedSource(examples, { batchSize: 5, seed: 3 });
    expect(source.batchesPerEpoch).toBe(2);
    for (let epoch = 0; epoch < 2; epoch++) {
      const seen = (await take(source, 2)).flatMap(([inputs, targets]) =>
        targets!.map((target, row) => {
          expect(inputs![2 * row]).toBe(4 * target);
          return 4 * target;
        }),
      );
      expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it('gives the same batches for the same seed, continues where its state was taken, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const source = pairedSource(examples, { batchSize: 3, seed: 5 });
    const first = await take(source, 4);
    const saved = JSON.parse(JSON.stringify(source.state())) as Record<string, unknown>;
    const next = await take(source, 4);
    const other = pairedSource(examples, { batchSize: 3, seed: 5 });
    expect(await take(other, 4)).toEqual(first);
    expect(await take(pairedSource(examples, { batchSize: 3, seed: 6 }), 4)).not.toEqual(first);
    const resumed = pairedSource(examples, { batchSize: 3, seed: 99 });
    resumed.restore(saved);
    expect(await take(resumed, 4)).toEqual(next);
    expect(() => pairedSource(examples, { batchSize: 4, seed: 5 }).restore(saved)).toThrow(
      /10 examples in batches of 3, .* in batches of 4/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  const row = { values: Float32Array.of(1, 2), width: 2 };
  it.each([
    ['half rows', { inputs: { ...row, width: 4 }, targets: { ...row, width: 4 } }, /2 input numbers in rows/],
    ['another number of targets', { inputs: row, targets: { ...row, width: 1 } }, /equally many whole rows/],
    ['no rows', { inputs: { ...row, values: new Float32Array(0) }, targets: row }, /0 input numbers/],
    ['no width', { inputs: row, targets: { ...row, width: 0 } }, /width of the targets .* is 0/],
    ['a unit of zero', { inputs: { ...row, unit: 0 }, targets: row }, /unit of the inputs .* is 0/],
  ])('refuses %s', (_, data, message) => {
    expect(() => pairedSource(data, { batchSize: 1, seed: 0 })).toThrow(message);
  });
});

describe('rowCount', () => {
  it('is the number of values over the width', () => {
    expect(rowCount(examples.inputs)).toBe(10);
  });
});
