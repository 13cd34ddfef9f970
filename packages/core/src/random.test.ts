import { describe, expect, it } from 'vitest';
import { BatchSampler } from './batch-sampler.js';
import { createRandom } from './random.js';

describe('createRandom', () => {
  it('gives the same numbers for the same seed, others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, createRandom(seed).next);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('has first draws that are uniform over consecutive seeds', () => {
    const first = Array.from({ length: 1000 }, (_, seed) => createRandom(seed).next());
    // Standard error of the mean .009; a seed that shows in the first draw would put them all in one corner.
    expect(Math.abs(first.reduce((a, b) => a + b) / 1000 - 0.5)).toBeLessThan(0.05);
    for (let tenth = 0; tenth < 10; tenth++) {
      const inside = first.filter((x) => Math.floor(x * 10) === tenth).length;
      expect(inside).toBeGreaterThan(60);
      expect(inside).toBeLessThan(140);
    }
  });

  it('goes on from a saved state', () => {
    const random = createRandom(1);
    random.permutation(10);
    const saved = JSON.parse(JSON.stringify(random.state())) as number[];
    const expected = [random.next(), random.normal(), random.integer(100)];
    const other = createRandom(99);
    other.restore(saved);
    expect([other.next(), other.normal(), other.integer(100)]).toEqual(expected);
  });

  it('has the moments of its distributions over 20,000 draws', () => {
    const random = createRandom(3);
    const uniform = Array.from({ length: 20_000 }, random.next);
    const normal = Array.from({ length: 20_000 }, random.normal);
    const mean = (xs: number[]): number => xs.reduce((a, b) => a + b) / xs.length;
    // Standard errors: uniform mean .002; normal mean .007, variance .01. Five of them each.
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.0102);
    expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(Math.abs(mean(normal))).toBeLessThan(0.035);
    expect(Math.abs(mean(normal.map((x) => x * x)) - 1)).toBeLessThan(0.05);
  });

  it('permutes: every index once, every place reached by every index', () => {
    const random = createRandom(5);
    const first = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const order = random.permutation(6);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5]);
      first.add(order[0]!);
    }
    expect(first.size).toBe(6);
  });

  it('refuses what is not a seed or a bound', () => {
    expect(() => createRandom(0.5)).toThrow(/seed is 0.5; expected a whole number/);
    expect(() => createRandom(1).integer(0)).toThrow(/bound is 0/);
  });
});

describe('BatchSampler', () => {
  it('shows every example once an epoch, in an order that changes', () => {
    const sampler = new BatchSampler({ size: 10, batchSize: 3, seed: 1, dropRemainder: false });
    const epoch = (): number[] => Array.from({ length: 4 }, () => [...sampler.next()]).flat();
    const [a, b] = [epoch(), epoch()];
    expect([...a].sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...b].sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(a).not.toEqual(b);
    expect(sampler.epoch).toBe(1);
  });

  it('drops a smaller last batch by default, and keeps order without shuffling', () => {
    const sampler = new BatchSampler({ size: 7, batchSize: 3, seed: 1, shuffle: false });
    expect(sampler.batchesPerEpoch).toBe(2);
    expect([[...sampler.next()], [...sampler.next()], [...sampler.next()]]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [0, 1, 2],
    ]);
  });

  it('goes on from a saved state, in the middle of an epoch and at its end', () => {
    for (const taken of [0, 2, 3, 5]) {
      const sampler = new BatchSampler({ size: 9, batchSize: 3, seed: 4 });
      for (let i = 0; i < taken; i++) sampler.next();
      const saved = sampler.state();
      const expected = Array.from({ length: 8 }, () => [...sampler.next()]);
      const other = new BatchSampler({ size: 9, batchSize: 3, seed: 77 });
      other.restore(saved);
      expect(Array.from({ length: 8 }, () => [...other.next()])).toEqual(expected);
    }
  });

  it('refuses a batch larger than the data', () => {
    expect(() => new BatchSampler({ size: 2, batchSize: 3, seed: 0 })).toThrow(
      /batchSize is 3, but there are only 2/,
    );
  });
});
