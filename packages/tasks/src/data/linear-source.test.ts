import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { linearSource } from './linear-source.js';

const matrix = [
  [1, 2],
  [-0.5, 1e-8],
  [0, 3],
];

async function take(source: ReturnType<typeof linearSource>, count: number): Promise<number[][][]> {
  const read: number[][][] = [];
  for (let i = 0; i < count; i++) {
    const { inputs, targets } = await source.next();
    read.push([[...(await inputs.data())], [...(await targets.data())]]);
    tf.dispose([inputs, targets]);
  }
  return read;
}

describe('linearSource', () => {
  it('gives Gaussian inputs and their exact images, rounded once', async () => {
    const [batch] = await take(linearSource(matrix, { batchSize: 5000, seed: 1 }), 1);
    const [inputs, targets] = batch as [number[], number[]];
    for (let i = 0; i < 5000; i++) {
      const [a, b] = [inputs[2 * i]!, inputs[2 * i + 1]!];
      expect(targets.slice(3 * i, 3 * i + 3)).toEqual(
        [a + 2 * b, -0.5 * a + 1e-8 * b, 3 * b].map((value) => Math.fround(value) + 0),
      );
    }
    // 10,000 standard normal draws: the mean has deviation .01, the variance .014; five of each.
    const mean = inputs.reduce((sum, x) => sum + x, 0) / 1e4;
    const variance = inputs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 1e4;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(variance - 1)).toBeLessThan(0.07);
  });

  it('never ends, repeats itself for the same seed, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const run = (seed: number): Promise<number[][][]> =>
      take(linearSource(matrix, { batchSize: 4, seed }), 3);
    const first = await run(7);
    expect(linearSource(matrix, { batchSize: 4, seed: 7 }).batchesPerEpoch).toBe(Infinity);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
    expect(first[1]).not.toEqual(first[0]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('continues where the state was taken, through JSON', async () => {
    const source = linearSource(matrix, { batchSize: 4, seed: 7 });
    await take(source, 2);
    const saved = JSON.parse(JSON.stringify(source.state())) as Record<string, unknown>;
    const expected = await take(source, 3);
    const other = linearSource(matrix, { batchSize: 4, seed: 1 });
    other.restore(saved);
    expect(await take(other, 3)).toEqual(expected);
  });

  it('refuses the state of another source, a damaged one, and no batch', () => {
    const source = linearSource(matrix, { batchSize: 4, seed: 7 });
    const before = source.state();
    const states = [
      linearSource(matrix, { batchSize: 5, seed: 7 }).state(),
      {},
      { ...before, random: [1] },
      { ...before, random: ['a', 'b', 'c', 'd'] },
    ];
    for (const state of states) {
      expect(() => source.restore(state)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }));
    }
    expect(source.state()).toEqual(before);
    expect(() => linearSource(matrix, { batchSize: 0, seed: 7 })).toThrow(/batchSize is 0/);
  });
});
