/** The pool seen from outside: a bundled program that uses it, in a process of its own, gets results from a worker and ends by itself. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';
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

const bundling = {
  stdin: { contents: PROGRAM, resolveDir: root, loader: 'js' },
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  conditions: ['@apo/source'],
  logLevel: 'error',
} as const satisfies BuildOptions;

/** Killed after half a minute, and the test fails then. */
async function outputOf(program: string, cwd = root): Promise<string> {
  // The programs that start a test may point Node to packages of their own.
  const env = { ...process.env, NODE_PATH: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 30_000, cwd, env });
  return stdout;
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ['a module', 'esm', 'mjs'],
  ['CommonJS', 'cjs', 'cjs'],
] as const)('a program in %s', (_, format, extension) => {
  it('gets the same bits from a worker and ends by itself', async () => {
    mkdirSync(folder, { recursive: true });
    const outfile = join(folder, `program.${extension}`);
    await build({
      ...bundling,
      outfile,
      format,
      external: ['@tensorflow/*', 'ml-matrix'],
    });
    expect(await outputOf(outfile)).toBe('same true shortfall undefined went on true\n');
  });
});

it('a program that has swallowed ml-matrix, with none beside it, still inverts on a worker', async () => {
  // Outside of all packages.
  const alone = mkdtempSync(join(tmpdir(), 'linalg-pool-'));
  try {
    const outfile = join(alone, 'program.cjs');
    await build({ ...bundling, outfile, format: 'cjs', external: [] });
    const refused = 'No worker could load ml-matrix: it is not installed where a worker could find it.';
    expect(await outputOf(outfile, alone)).toBe(`same true shortfall ${refused} went on true\n`);
  } finally {
    rmSync(alone, { recursive: true, force: true });
  }
});
