import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileShared } from '../testing/assembly.js';
import { startWorker } from './host.js';
import { startPool } from './pool.js';
import type { PoolOptions, WorkerPool } from './pool.js';

const SOURCE = `
/** Writes value to count words. */
export function fill(p: usize, count: i32, value: i32): void {
  for (let i = 0; i < count; i++) store<i32>(p + 4 * i, value);
}
/** Adds one to a word, as one step. */
export function increment(p: usize): void {
  atomic.add<i32>(p, 1);
}
/** Returns when all parties have arrived: they are different threads then. */
export function meet(p: usize, parties: i32): void {
  atomic.add<i32>(p, 1);
  while (atomic.load<i32>(p) < parties) {}
}
/** Writes 1 to its space and meets the others. */
export function mark(space: usize, p: usize, parties: i32): void {
  store<i32>(space, 1);
  meet(p, parties);
}
/** Stores numbers of each type behind each other. */
export function keep(p: usize, i: i32, f: f32, d: f64, flag: bool): void {
  store<i32>(p, i);
  store<f32>(p + 4, f);
  store<f64>(p + 8, d);
  store<i32>(p + 16, flag);
}
export function fail(): void {
  unreachable();
}
`;
/** A worker with another function in place of each of the module's; everything else is as it is. */
const REPLACED = (body: string): string =>
  `WebAssembly.Instance = function () { return { exports: new Proxy({}, { get: () => (...args) => { ${body} } }) }; };`;

let module: WebAssembly.Module;
const pools: WorkerPool[] = [];

beforeAll(async () => {
  module = await compileShared(SOURCE, 16);
});

afterEach(() => {
  for (const pool of pools.splice(0)) pool.stop();
});

async function poolOf(threads: number, options: Partial<PoolOptions> = {}) {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 16, shared: true });
  const pool = await startPool({ threads, memory, modules: [module], ...options });
  pools.push(pool);
  return { pool, memory, words: () => new Int32Array(memory.buffer) };
}

/** A start that puts a line in front of the worker's program. */
function withPrefix(line: string): typeof startWorker {
  return (program, data) => startWorker(`${line}\n${program}`, data);
}

describe('a pool of threads', () => {
  it.each([2, 3, 4])('runs jobs on %i threads at once', async (threads) => {
    const { pool, words } = await poolOf(threads);
    const parties = Array.from({ length: threads }, () => ({ name: 'meet', args: [64, threads] }));
    // Each job waits for all the others: this returns only if every one of them has a thread of its own.
    pool.run(0, parties);
    expect(words()[16]).toBe(threads);
  });

  it('runs every job once, for any length of the list', async () => {
    const { pool, words } = await poolOf(3);
    let expected = 0;
    for (const length of [0, 1, 2, 3, 63, 64, 65, 200]) {
      pool.run(
        0,
        Array.from({ length }, () => ({ name: 'increment', args: [0] })),
      );
      expected += length;
      expect(words()[0]).toBe(expected);
    }
  });

  it('loses no job and no wake-up over many short lists', async () => {
    const { pool, words } = await poolOf(2);
    for (let round = 0; round < 3000; round++) {
      pool.run(
        0,
        [0, 1, 2].map((i) => ({ name: 'fill', args: [256 * i, 4, round] })),
      );
      const view = words();
      for (const i of [0, 64, 128])
        if (view[i] !== round || view[i + 3] !== round) expect.fail(`round ${round}`);
    }
    expect(words()[4]).toBe(0);
  });

  it('hands over whole numbers, both kinds of fractions, addresses and flags', async () => {
    const { pool, memory } = await poolOf(2);
    pool.run(0, [
      { name: 'keep', args: [0, -7, 0.1, Math.PI, true] },
      { name: 'keep', args: [32, 2 ** 31 - 1, -0, 5e-324, false] },
    ]);
    const view = new DataView(memory.buffer);
    expect(view.getInt32(0, true)).toBe(-7);
    expect(view.getFloat32(4, true)).toBe(Math.fround(0.1));
    expect(view.getFloat64(8, true)).toBe(Math.PI);
    expect(view.getInt32(16, true)).toBe(1);
    expect(view.getInt32(32, true)).toBe(2 ** 31 - 1);
    expect(Object.is(view.getFloat32(36, true), -0)).toBe(true);
    expect(view.getFloat64(40, true)).toBe(5e-324);
    expect(view.getInt32(48, true)).toBe(0);
  });

  it('gives each thread working space of its own', async () => {
    const { pool, words } = await poolOf(3);
    // Each party writes where its thread's space is, then waits for the others: all three places are written.
    const workspace = { argument: 0, bytes: 32 };
    pool.run(
      0,
      [0, 1, 2].map(() => ({ name: 'mark', args: [1024, 64, 3], workspace })),
    );
    expect([0, 8, 16, 24].map((i) => words()[256 + i])).toEqual([1, 1, 1, 0]);
  });

  it('reaches memory that was added after the workers started', async () => {
    const { pool, memory, words } = await poolOf(2);
    const before = memory.buffer.byteLength;
    const old = words();
    memory.grow(4);
    pool.run(0, [
      { name: 'fill', args: [before, 8, 11] },
      { name: 'fill', args: [before + 65536, 8, 12] },
    ]);
    expect(words()[before / 4]).toBe(11);
    expect(words()[before / 4 + 16384]).toBe(12);
    // A view taken before keeps its length and still shows the same memory: growth does not detach it.
    pool.run(0, [{ name: 'fill', args: [0, 2, 13] }]);
    expect(old.length).toBe(before / 4);
    expect(old[1]).toBe(13);
  });

  it('refuses a function that is not there and too many arguments, and goes on working', async () => {
    const { pool, words } = await poolOf(2);
    expect(() => pool.run(0, [{ name: 'nothing', args: [] }])).toThrow(/no function 'nothing'/);
    expect(() => pool.run(0, [{ name: 'fill', args: new Array<number>(28).fill(0) }])).toThrow(/at most 27/);
    pool.run(0, [{ name: 'increment', args: [0] }]);
    expect(words()[0]).toBe(1);
  });

  it('is refused after stop', async () => {
    const { pool } = await poolOf(2);
    pool.stop();
    pool.stop();
    expect(() => pool.run(0, [{ name: 'increment', args: [0] }])).toThrow(
      expect.objectContaining({ name: 'ApoError', code: 'BACKEND_UNAVAILABLE' }),
    );
  });
});

describe('what goes wrong on a thread becomes an ApoError', () => {
  const unavailable = (message: RegExp): unknown =>
    expect.objectContaining({
      name: 'ApoError',
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(message) as string,
    });

  it('a job that traps, on whichever thread', async () => {
    const { pool, words } = await poolOf(2);
    const jobs = [
      { name: 'increment', args: [0] },
      { name: 'fail', args: [] },
      { name: 'increment', args: [0] },
    ];
    expect(() => pool.run(0, jobs)).toThrow(unavailable(/'fail' failed: RuntimeError: unreachable/));
    // The others were finished before it was reported, and nothing runs afterwards.
    expect(words()[0]).toBe(2);
    expect(() => pool.run(0, [{ name: 'increment', args: [0] }])).toThrow(unavailable(/'fail'/));
    expect(words()[0]).toBe(2);
  });

  it('a worker that dies with a job in its hands', async () => {
    // The worker reports that it has a job and ends; the main thread's `meet` waits for that, so each takes exactly one.
    const die = REPLACED('Atomics.add(new Int32Array(data.memory.buffer), 16, 1); process.exit(7);');
    const { pool } = await poolOf(2, { patience: 0.3, start: withPrefix(die) });
    const jobs = [
      { name: 'meet', args: [64, 2] },
      { name: 'meet', args: [64, 2] },
    ];
    expect(() => pool.run(0, jobs)).toThrow(unavailable(/Worker 1 .* 'meet' and did not finish it in 0.3 s/));
    expect(() => pool.run(0, jobs)).toThrow(unavailable(/Worker 1/));
  });

  it('a worker that hangs in a job', async () => {
    const hang = REPLACED('Atomics.add(new Int32Array(data.memory.buffer), 16, 1); for (;;) {}');
    const { pool } = await poolOf(2, { patience: 0.3, start: withPrefix(hang) });
    const jobs = [
      { name: 'meet', args: [64, 2] },
      { name: 'meet', args: [64, 2] },
    ];
    expect(() => pool.run(0, jobs)).toThrow(unavailable(/Worker 1/));
  });

  it('a worker that dies between two lists', async () => {
    const { pool } = await poolOf(2, { start: withPrefix('Atomics.wait = () => process.exit(3);') });
    const died = async (): Promise<unknown> => {
      for (let i = 0; i < 1000; i++) {
        try {
          pool.run(0, []);
        } catch (error) {
          return error;
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return undefined;
    };
    expect(await died()).toEqual(unavailable(/Worker 1 .* died: it exited with code 3/));
  });

  it('a worker that throws outside a job', async () => {
    // Not before it has said that it is ready, or it would not have started.
    const start = withPrefix(`
      const [wait, begin] = [Atomics.wait, Date.now()];
      Atomics.wait = (view, index, value) => {
        if (Date.now() > begin + 1000) throw new Error('out of luck');
        return wait(view, index, value, 50);
      };`);
    const { pool } = await poolOf(2, { start });
    await expect
      .poll(
        () => {
          try {
            pool.run(0, []);
            return '';
          } catch (error) {
            return error instanceof Error ? error.message : '';
          }
        },
        { timeout: 30_000 },
      )
      .toMatch(/died: out of luck/);
  });

  it('a worker that does not start, or not in time', async () => {
    await expect(poolOf(3, { start: withPrefix('process.exit(5);') })).rejects.toEqual(
      unavailable(/Worker \d did not start: it exited with code 5/),
    );
    await expect(poolOf(2, { start: withPrefix(`throw new Error('no');`) })).rejects.toEqual(
      unavailable(/did not start: no/),
    );
    await expect(poolOf(2, { startPatience: 0.2, start: withPrefix('for (;;) {}') })).rejects.toEqual(
      unavailable(/not ready after 0.2 s/),
    );
  });
});
