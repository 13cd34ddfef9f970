import { describe, expect, it } from 'vitest';
import { regressionSource } from '../../test/linear-regression.js';
import { BatchFeed } from './batch-feed.js';
import { batchList } from '../optimizer.js';
import type { SupervisedBatch } from '../objective.js';

/** First inputs of each (micro-)batch, which identify it. */
const keys = (batch: Parameters<typeof batchList<SupervisedBatch>>[0] | undefined): number[] | undefined =>
  batch && batchList(batch).map(({ inputs }) => inputs.dataSync()[0]!);

describe('BatchFeed', () => {
  it('gives the batch of the step before as B′ and releases what is older', async () => {
    const source = regressionSource();
    const feed = new BatchFeed({ source, other: 'previous', accumulate: 1 });
    const first = await feed.next();
    expect(first.other).toBe(undefined);
    const [firstKeys, outstanding] = [keys(first.batch), source.outstanding];
    expect(outstanding).toBe(1);
    const second = await feed.next();
    expect(keys(second.other)).toEqual(firstKeys);
    expect(source.outstanding).toBe(2);
    const secondKeys = keys(second.batch);
    expect(keys((await feed.next()).other)).toEqual(secondKeys);
    expect(source.outstanding).toBe(2);
    feed.release();
    feed.release();
    expect(source.outstanding).toBe(0);
  });

  it('holds one batch when B′ is the batch itself', async () => {
    const source = regressionSource();
    const feed = new BatchFeed({ source, other: 'same', accumulate: 1 });
    for (let i = 0; i < 3; i++) expect((await feed.next()).other).toBe(undefined);
    expect(source.outstanding).toBe(1);
    feed.release();
    expect(source.outstanding).toBe(0);
  });

  it('accumulates from both sources', async () => {
    const [source, other] = [regressionSource(), regressionSource({ seed: 2 })];
    const feed = new BatchFeed({ source, other, accumulate: 2 });
    for (let i = 0; i < 3; i++) {
      const pair = await feed.next();
      expect(batchList(pair.batch)).toHaveLength(2);
      expect(batchList(pair.other!)).toHaveLength(2);
    }
    expect([source.drawn.length, other.drawn.length]).toEqual([6, 6]);
    expect([source.outstanding, other.outstanding]).toEqual([2, 2]);
    feed.release();
    expect([source.outstanding, other.outstanding]).toEqual([0, 0]);
  });

  it('draws the previous batch again after a restore, also across an epoch', async () => {
    // Five batches an epoch: after five steps the next batch is the first of a new order.
    for (const steps of [1, 3, 5, 6]) {
      const source = regressionSource();
      const feed = new BatchFeed({ source, other: 'previous', accumulate: 1 });
      for (let i = 0; i < steps; i++) await feed.next();
      const state = feed.state();
      const expected = await feed.next();

      const again = regressionSource();
      const restored = new BatchFeed({ source: again, other: 'previous', accumulate: 1 });
      again.restore(state.source);
      await restored.redraw(state);
      const pair = await restored.next();
      expect([keys(pair.batch), keys(pair.other)]).toEqual([keys(expected.batch), keys(expected.other)]);
      feed.release();
      restored.release();
      expect(again.outstanding).toBe(0);
    }
  });

  it('releases the micro-batches it has when the source fails', async () => {
    const source = regressionSource();
    let draws = 0;
    const failing = {
      ...source,
      next: () => {
        if (++draws === 2) throw new Error('no more data');
        return source.next();
      },
    };
    const feed = new BatchFeed({ source: failing, other: 'previous', accumulate: 2 });
    await expect(feed.next()).rejects.toThrow('no more data');
    expect(source.outstanding).toBe(0);
    feed.release();
  });
});
