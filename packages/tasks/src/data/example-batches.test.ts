import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import type { SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { exampleBatch, exampleSource } from './example-batches.js';
import type { LabelledExamples } from './examples.js';

/** Example i is [i, 255 − i, 0] with label i mod 4. */
const examples: LabelledExamples = {
  inputs: Uint8Array.from(
    { length: 20 * 3 },
    (_, k) => [Math.floor(k / 3), 255 - Math.floor(k / 3), 0][k % 3]!,
  ),
  labels: Uint8Array.from({ length: 20 }, (_, i) => i % 4),
  exampleShape: [3],
  classes: 4,
};

async function readOut({ inputs, targets }: SupervisedBatch): Promise<number[][]> {
  return [[...(await inputs.data())], [...(await targets.data())]];
}

async function take(source: ReturnType<typeof exampleSource>, count: number): Promise<number[][][]> {
  const read: number[][][] = [];
  for (let i = 0; i < count; i++) {
    const batch = await source.next();
    read.push(await readOut(batch));
    source.release(batch);
  }
  return read;
}

describe('exampleBatch', () => {
  it('scales bytes by 1/255 and keeps labels as int32', async () => {
    const batch = exampleBatch(examples, [19, 0]);
    expect([batch.inputs.shape, batch.inputs.dtype]).toEqual([[2, 3], 'float32']);
    expect([batch.targets.shape, batch.targets.dtype]).toEqual([[2], 'int32']);
    expect(await readOut(batch)).toEqual([[19 / 255, 236 / 255, 0, 0, 1, 0].map(Math.fround), [3, 0]]);
    tf.dispose([batch.inputs, batch.targets]);
  });

  it.each([20, -1, 0.5])('refuses the index %d', (index) => {
    expect(() => exampleBatch(examples, [3, index])).toThrow(`indices[1] is ${index}; expected 0 … 19.`);
  });
});

describe('exampleSource', () => {
  it('visits every example once per epoch, with its own label', async () => {
    const source = exampleSource(examples, { batchSize: 4, seed: 1 });
    expect(source.batchesPerEpoch).toBe(5);
    for (let epoch = 0; epoch < 2; epoch++) {
      const seen = (await take(source, 5)).flatMap(([inputs, targets]) =>
        targets!.map((label, row) => {
          const index = Math.round(inputs![row * 3]! * 255);
          expect(label).toBe(index % 4);
          return index;
        }),
      );
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }
  });

  it('gives the same batches for the same seed on every engine, and others for another seed', async () => {
    const run = (seed: number): Promise<number[][][]> =>
      take(exampleSource(examples, { batchSize: 6, seed }), 7);
    const engine = tf.getBackend();
    await tf.setBackend('cpu');
    const onCpu = await run(5);
    await tf.setBackend('wasm');
    const onWasm = await run(5);
    await tf.setBackend(engine);
    expect(onWasm).toEqual(onCpu);
    expect(await run(5)).toEqual(onCpu);
    expect(await run(6)).not.toEqual(onCpu);
  });

  it('continues where the state was taken, across the end of an epoch and through JSON', async () => {
    const source = exampleSource(examples, { batchSize: 6, seed: 5 });
    await take(source, 2);
    const saved = JSON.parse(JSON.stringify(source.state())) as Record<string, unknown>;
    const expected = await take(source, 6);
    const other = exampleSource(examples, { batchSize: 6, seed: 99 });
    await take(other, 4);
    other.restore(saved);
    expect(await take(other, 6)).toEqual(expected);
  });

  it('keeps the order and the remainder when asked', async () => {
    const source = exampleSource(examples, { batchSize: 16, seed: 0, shuffle: false, dropRemainder: false });
    const [first, second] = await take(source, 2);
    expect(first![1]).toHaveLength(16);
    expect(second![1]).toEqual([0, 1, 2, 3]);
  });

  it('leaks nothing', async () => {
    const before = tf.memory().numTensors;
    await take(exampleSource(examples, { batchSize: 4, seed: 1 }), 12);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['a batch larger than the set', examples, 21, /only 20 examples/],
    ['a batch of nothing', examples, 0, /batchSize is 0/],
    ['labels that are not classes', { ...examples, classes: 3 }, 4, /Label 3 .* is 3; expected 0 … 2/],
    ['missing labels', { ...examples, labels: new Uint8Array(19) }, 4, /19 labels and 60 input bytes/],
    ['no examples', { ...examples, labels: new Uint8Array(0), inputs: new Uint8Array(0) }, 4, /0 labels/],
    ['no features', { ...examples, exampleShape: [0] }, 4, /features .* is 0/],
  ])('refuses %s', (_, data, batchSize, message) => {
    expect(() => exampleSource(data, { batchSize, seed: 0 })).toThrow(message);
  });

  it('refuses the state of another source, and a damaged one, and stays as it was', async () => {
    const source = exampleSource(examples, { batchSize: 4, seed: 3 });
    const before = source.state();
    const others = [
      exampleSource(examples, { batchSize: 5, seed: 3 }).state(),
      {},
      { ...before, position: 6 },
      { ...before, epoch: -1 },
      { ...before, random: ['a'] },
      { ...before, random: [1] },
    ];
    for (const state of others) {
      expect(() => source.restore(state)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }));
    }
    expect(source.state()).toEqual(before);
  });
});
