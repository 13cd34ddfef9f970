/** The pool seen from outside: a bundled program that uses it, in a process of its own, gets results from a worker and ends by itself. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Under node_modules, so that the program finds its packages and nobody else finds the program. */
const folder = join(root, 'node_modules', '.cache', 'linalg-pool-process');

const PROGRAM = `
import { linalgPool } from './src/linalg/linalg-pool.ts';
import { eigh } from './src/linalg/eigh.ts';
import { inverse } from './src/linalg/cholesky.ts';
const n = 60;
const a = Float64Array.from({ length: n * n }, (_, i) => Math.cos(Math.floor(i / n) * (i % n)));
const pool = linalgPool({ minSide: 0 });
let turns = 0;
const timer = setInterval(() => (turns += 1), 1).unref();
// The loop has nothing else to wait for: the worker must hold the process until it has answered, and not after.
const equal = (x, y) => x.every((value, i) => value === y[i]);
Promise.all([pool.solve(a, n), pool.invert(a, n, { damping: 100 })]).then(([{ values, vectors }, inverted]) => {
  const here = eigh(a, n);
  const same = equal(values, here.values) && equal(vectors, here.vectors) && equal(inverted, inverse(a, n, { damping: 100 }));
  console.log('same', same, 'shortfall', pool.shortfall, 'went on', turns > 0);
});
`;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ['a module', 'esm', 'mjs'],
  ['CommonJS', 'cjs', 'cjs'],
] as const)('a program in %s', (_, format, extension) => {
  it('gets the same bits from a worker and ends by itself', async () => {
    mkdirSync(folder, { recursive: true });
    const outfile = join(folder, `program.${extension}`);
    await build({
      stdin: { contents: PROGRAM, resolveDir: root, loader: 'js' },
      outfile,
      bundle: true,
      minify: true,
      platform: 'node',
      format,
      target: 'node20',
      conditions: ['@apo/source'],
      external: ['@tensorflow/*', 'ml-matrix'],
      logLevel: 'error',
    });
    // Killed after half a minute, and the test fails then.
    const { stdout } = await promisify(execFile)(process.execPath, [outfile], { timeout: 30_000 });
    expect(stdout).toBe('same true shortfall undefined went on true\n');
  });
});
