import { afterEach, describe, expect, it, vi } from 'vitest';
import { eigensystem } from './eigensystem.js';
import { EigenvalueDecomposition, WrapperMatrix1D } from 'ml-matrix';
import { startLinalgWorker } from './linalg-worker.js';
import type { LinalgWorker } from './linalg-worker.js';
import { inverse } from './cholesky.js';
import { loops } from './dense-loops.js';
import { eigh } from './eigh.js';
import { linalgPool } from './linalg-pool.js';
import type { LinalgPool, LinalgPoolOptions } from './linalg-pool.js';
import { randomSymmetric } from './testing/matrices.js';

const pools: LinalgPool[] = [];

function pool(options?: LinalgPoolOptions): LinalgPool {
  const created = linalgPool(options);
  pools.push(created);
  return created;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((each) => each.stop()));
});

const library = { EigenvalueDecomposition, WrapperMatrix1D };

/** A worker in name only: it answers when `release` is called, and dies when `kill` is. */
function standIn(): { worker: LinalgWorker; release(): void; kill(): void; readonly sides: number[] } {
  const sides: number[] = [];
  let answer: ((alive: boolean) => void) | undefined;
  const settle = (alive: boolean): void => {
    const settled = answer;
    answer = undefined;
    settled?.(alive);
  };
  return {
    sides,
    release: () => settle(true),
    kill: () => settle(false),
    worker: {
      solve: (a, n, done) => {
        sides.push(n);
        answer = (alive) => done(alive ? eigensystem(library, a, n) : 'it was told to die');
      },
      invert: (a, n, done) => {
        sides.push(n);
        answer = (alive) => done(alive ? loops.positiveInverse(a, n) : 'it was told to die');
      },
      stop: async () => settle(false),
    },
  };
}

describe('linalgPool', () => {
  it.each([1, 2])('gives the same bits from %i workers as on the calling thread', async (workers) => {
    const solver = pool({ workers, minSide: 10 });
    const sides = [40, 9, 130, 70, 1, 0];
    const results = await Promise.all(sides.map((n) => solver.solve(randomSymmetric(n, n), n)));
    for (const [i, n] of sides.entries()) expect(results[i]).toEqual(eigh(randomSymmetric(n, n), n));
    expect(solver.shortfall).toBeUndefined();
  });

  it.each([1, 2])(
    'inverts with the same bits on %i workers, and refuses as the calling thread does',
    async (workers) => {
      const solver = pool({ workers, minSide: 10 });
      const sides = [40, 9, 130];
      const positive = (n: number): Float64Array =>
        loops.symmetricProduct(randomSymmetric(n, n), randomSymmetric(n, n), n);
      const damping = 0.1;
      const results = await Promise.all(sides.map((n) => solver.invert(positive(n), n, { damping })));
      for (const [i, n] of sides.entries()) expect(results[i]).toEqual(inverse(positive(n), n, { damping }));
      const singular = expect.objectContaining({ reason: 'not-positive-definite', layer: 'dense' }) as Error;
      await expect(solver.invert(new Float64Array(400), 20, { layer: 'dense' })).rejects.toThrow(singular);
      expect(() => inverse(new Float64Array(400), 20, { layer: 'dense' })).toThrow(singular);
      expect(() => solver.invert(Float64Array.of(1), 1, { damping: -1 })).toThrow(/damping/);
      expect(solver.shortfall).toBeUndefined();
    },
  );

  it('inverts on the calling thread what a worker that died had', async () => {
    const { worker, kill } = standIn();
    const heard: string[] = [];
    const solver = pool({ minSide: 0, start: () => worker, onShortfall: (reason) => heard.push(reason) });
    const result = solver.invert(Float64Array.of(4), 1);
    kill();
    expect(await result).toEqual(Float64Array.of(0.25));
    expect(solver.shortfall).toBe('Computed on the main thread since it was told to die.');
    await solver.invert(Float64Array.of(4), 1);
    expect(heard).toEqual([solver.shortfall]);
  });

  it('copies the matrix before it returns, and lets the caller go on', async () => {
    const { worker, release, sides } = standIn();
    const solver = pool({ minSide: 0, start: () => worker });
    const a = randomSymmetric(6, 1);
    const expected = eigh(a, 6);
    let settled = false;
    const result = solver.solve(a, 6).finally(() => (settled = true));
    a.fill(NaN);
    await Promise.resolve();
    expect([settled, sides]).toEqual([false, [6]]);
    release();
    expect(await result).toEqual(expected);
  });

  it('refuses bad input at once, wherever it would be computed', () => {
    let started = 0;
    const solver = pool({ minSide: 0, start: () => `worker ${(started += 1)}` });
    expect(() => solver.solve(Float64Array.of(NaN), 1, { layer: 'dense' })).toThrow(
      expect.objectContaining({ reason: 'non-finite', layer: 'dense' }),
    );
    expect(() => solver.solve(Float64Array.of(1, 2, 3, 4), 2)).toThrow(
      expect.objectContaining({ reason: 'not-symmetric' }),
    );
    expect(started).toBe(0);
  });

  it('rejects with the layer when the result is not a number', async () => {
    const solver = pool({ minSide: 0 });
    const ones = new Float64Array(4).fill(1e308);
    await expect(solver.solve(ones, 2, { layer: 'dense' })).rejects.toMatchObject({
      code: 'NON_FINITE',
      layer: 'dense',
    });
  });

  it('computes on the calling thread where there is no worker, and says why', async () => {
    const solver = pool({ minSide: 0, start: () => 'No workers today.' });
    expect(await solver.solve(randomSymmetric(5, 2), 5)).toEqual(eigh(randomSymmetric(5, 2), 5));
    expect(solver.shortfall).toBe('No workers today.');
  });

  it('decomposes on the calling thread what a worker refuses, once and from then on, and still inverts there', async () => {
    const { worker, release, sides } = standIn();
    let asked = 0;
    const refusing: LinalgWorker = {
      ...worker,
      solve: (_a, _n, done) => {
        asked++;
        done({ refused: 'Not here.' });
      },
    };
    const heard: string[] = [];
    const solver = pool({ minSide: 0, start: () => refusing, onShortfall: (reason) => heard.push(reason) });
    for (const n of [4, 5])
      expect(await solver.solve(randomSymmetric(n, n), n)).toEqual(eigh(randomSymmetric(n, n), n));
    expect([asked, heard, solver.shortfall]).toEqual([1, ['Not here.'], 'Not here.']);
    const inverted = solver.invert(Float64Array.of(4), 1);
    expect(sides).toEqual([1]);
    release();
    expect(await inverted).toEqual(Float64Array.of(0.25));
  });

  it('starts none for zero workers or small matrices', async () => {
    const start = (): string => {
      throw new Error('not to be called');
    };
    expect(await pool({ workers: 0, minSide: 0, start }).solve(randomSymmetric(3, 1), 3)).toEqual(
      eigh(randomSymmetric(3, 1), 3),
    );
    const small = pool({ start });
    await small.solve(randomSymmetric(127, 1), 127);
    expect(small.shortfall).toBeUndefined();
  });

  it('takes over from a worker that dies: what it had, what waits, and what comes', async () => {
    const { worker, kill, sides } = standIn();
    let started = 0;
    const solver = pool({ minSide: 0, start: () => ((started += 1) > 1 ? 'not again' : worker) });
    const under = [4, 5, 6].map((n) => solver.solve(randomSymmetric(n, n), n));
    expect(sides).toEqual([4]);
    kill();
    under.push(solver.solve(randomSymmetric(7, 7), 7));
    const results = await Promise.all(under);
    for (const [i, n] of [4, 5, 6, 7].entries()) expect(results[i]).toEqual(eigh(randomSymmetric(n, n), n));
    expect(solver.shortfall).toContain('it was told to die');
    expect([started, sides]).toEqual([1, [4]]);
  });

  it('goes on with the workers that are left', async () => {
    const [first, second] = [standIn(), standIn()];
    const workers = [first.worker, second.worker];
    const solver = pool({ workers: 2, minSide: 0, start: () => workers.shift() ?? 'no more' });
    const results = [4, 5, 6].map((n) => solver.solve(randomSymmetric(n, n), n));
    expect([first.sides, second.sides]).toEqual([[4], [5]]);
    first.kill();
    second.release();
    expect(second.sides).toEqual([5, 6]);
    second.release();
    for (const [i, n] of [4, 5, 6].entries())
      expect(await results[i]).toEqual(eigh(randomSymmetric(n, n), n));
  });

  it('finishes what is under way when it is stopped, and works on without workers', async () => {
    const solver = pool({ minSide: 0 });
    const under = [60, 50].map((n) => solver.solve(randomSymmetric(n, n), n));
    await solver.stop();
    const results = await Promise.all(under);
    for (const [i, n] of [60, 50].entries()) expect(results[i]).toEqual(eigh(randomSymmetric(n, n), n));
    expect(await solver.solve(randomSymmetric(8, 8), 8)).toEqual(eigh(randomSymmetric(8, 8), 8));
    await solver.stop();
    expect(solver.shortfall).toBeUndefined();
  });

  it('refuses options out of range', () => {
    expect(() => linalgPool({ workers: -1 })).toThrow('workers is -1');
    expect(() => linalgPool({ minSide: 0.5 })).toThrow('minSide is 0.5');
  });
});

describe('startLinalgWorker', () => {
  it('reports a worker that was ended, then and afterwards', async () => {
    const worker = startLinalgWorker();
    if (typeof worker === 'string') throw new Error(worker);
    const reasons: unknown[] = [];
    worker.solve(randomSymmetric(200, 1) as Float64Array<ArrayBuffer>, 200, (result) => reasons.push(result));
    await worker.stop();
    worker.solve(new Float64Array(1), 1, (result) => reasons.push(result));
    // 0 or 1, by whether it had started.
    expect(reasons[0]).toMatch(/^the worker exited with code [01]$/);
    expect(reasons).toEqual([reasons[0], reasons[0]]);
  });

  it('says that there is none outside Node', () => {
    vi.stubGlobal('process', undefined);
    try {
      expect(startLinalgWorker()).toBe('Workers are used in Node alone.');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('reports a worker that fails', async () => {
    const worker = startLinalgWorker();
    if (typeof worker === 'string') throw new Error(worker);
    // A side that does not fit the matrix makes ml-matrix read past its end or refuse it.
    const reason = await new Promise((resolve) => worker.solve(new Float64Array(3), 2.5, resolve));
    expect(reason).toContain('the worker failed:');
    await worker.stop();
  });
});
