import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Contest } from './contest.js';
import { RUNS } from './contract.js';
import type { ByRun } from './contract.js';
import { codec } from './settings.js';
import type { RunSettings } from './settings.js';
import { useWasm } from './testing/engine.js';
import { digitImages } from './testing/images.js';

const data = digitImages(300, 100);
const defaults: RunSettings = { ...codec.defaults, batch: 20 };
/** KFAC's curvature needs larger batches than the other tests. */
const LEARNING = { batch: 96, momentumRate: 0.003 };

beforeAll(useWasm);

async function run(changes: Partial<RunSettings>, chunks: readonly number[]) {
  const contest = new Contest({ ...defaults, ...changes }, data);
  const losses: Record<keyof ByRun<unknown>, number[]> = { momentum: [], kfac: [], apo: [] };
  for (const count of chunks) {
    const some = await contest.advance(count);
    for (const name of RUNS) losses[name].push(...some[name]);
  }
  const { broken, timing } = contest;
  const result = { losses, broken, timing, pictures: await contest.look(), rate: await contest.rate() };
  contest.dispose();
  return result;
}

describe('Contest', () => {
  it('starts all three from the same weights on the same batches, and each learns', async () => {
    const { losses, broken, rate } = await run(LEARNING, [30]);
    for (const name of RUNS) {
      expect(losses[name]).toHaveLength(30);
      // KFAC and APO add the regulariser and the loss in another order.
      expect(losses[name][0]! / losses.momentum[0]!).toBeCloseTo(1, 5);
      expect(losses[name].at(-1)!).toBeLessThan(0.75 * losses[name][0]!);
      expect(broken[name]).toBeNull();
    }
    expect(rate).toBeGreaterThan(0);
  });

  it.each([{}, { form: 'low-rank', scale: 'global', k: 3, network: 'deep' }] as const)(
    'gives the same bits in pieces: %o',
    async (changes) => {
      const [whole, pieces] = [await run(changes, [8]), await run(changes, [1, 3, 4])];
      expect(pieces.losses).toEqual(whole.losses);
      expect(pieces.pictures).toEqual(whole.pictures);
    },
  );

  it('differs by the seed', async () => {
    const [one, other] = [await run({ seed: 1 }, [2]), await run({ seed: 2 }, [2])];
    expect(one.losses).not.toEqual(other.losses);
  });

  it('a run that breaks down ends alone, with the reason', async () => {
    const { losses, broken, pictures } = await run({ momentumRate: 1 }, [15, 10]);
    expect(broken.momentum!.step).toBe(losses.momentum.length + 1);
    expect(broken.momentum!.reason).toMatch(/^The loss is (NaN|Infinity) at step \d+\.$/);
    expect(pictures.testLoss.momentum).toBeNull();
    expect(broken.apo).toBeNull();
    expect(losses.apo).toHaveLength(25);
    expect(losses.apo.at(-1)!).toBeLessThan(losses.apo[0]!);
  });

  it('shows one example of each digit, and what the networks make of it', async () => {
    const contest = new Contest({ ...defaults, ...LEARNING }, data);
    expect(contest.examples).toHaveLength(10 * 196);
    // The first zero of the test images, averaged over squares of 2 × 2 pixels by hand.
    const first = data.test.labels.indexOf(0) * 784;
    const pixel = (row: number, column: number) => data.test.inputs[first + row * 28 + column]!;
    const mean = (row: number, column: number) =>
      [0, 1].flatMap((i) => [0, 1].map((j) => pixel(2 * row + i, 2 * column + j))).reduce((a, b) => a + b) /
      4;
    for (const [row, column] of [
      [3, 6],
      [7, 4],
      [10, 8],
    ] as const) {
      expect(contest.examples[row * 14 + column]).toBe(Math.round(mean(row, column)));
    }
    const error = (bytes: Uint8Array) =>
      bytes.reduce((sum, value, i) => sum + (value - contest.examples[i]!) ** 2, 0);
    const before = await contest.look();
    await contest.advance(30);
    const after = await contest.look();
    for (const name of RUNS) {
      expect(error(after.reconstructions[name])).toBeLessThan(error(before.reconstructions[name]));
      expect(after.testLoss[name]!).toBeLessThan(before.testLoss[name]!);
    }
    contest.dispose();
  });

  it('counts the time of each run by itself, but for the first steps', async () => {
    const { timing } = await run({}, [5, 4, 3]);
    for (const name of RUNS) {
      expect(timing[name].steps).toBe(7);
      expect(timing[name].milliseconds).toBeGreaterThan(0);
    }
  });

  it('leaves no tensor behind, in ten contests, one of which breaks down', async () => {
    await run({}, [2]);
    const before = tf.memory().numTensors;
    for (let seed = 0; seed < 9; seed++) await run({ seed, form: 'low-rank' }, [2]);
    await run({ momentumRate: 1 }, [20]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps the number of tensors while it runs', async () => {
    const contest = new Contest({ ...defaults, form: 'low-rank' }, data);
    await contest.advance(12);
    await contest.look();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      await contest.advance(10);
      await contest.look();
      await contest.matrices(1);
    }
    expect(tf.memory().numTensors).toBe(before);
    contest.dispose();
  });

  it('leaves nothing behind when an option is refused', () => {
    const before = tf.memory().numTensors;
    expect(() => new Contest({ ...defaults, kfacRate: -1 }, data)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});
