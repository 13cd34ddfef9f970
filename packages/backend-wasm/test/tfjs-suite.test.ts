/** tfjs-core's own tests on the stock kernels and on ours, and the runner that compares them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compare } from '../test-suite/compare.mjs';
import type { Comparison, Results } from '../test-suite/compare.mjs';
import { runEngine } from '../test-suite/engine-run.mjs';

async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'apo-tfjs-suite-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("tfjs-core's test suite", () => {
  it('passes on each build of ours wherever it passes on stock', { timeout: 600_000 }, () =>
    inFolder(async (out) => {
      const runner = fileURLToPath(new URL('../test-suite/run.mjs', import.meta.url));
      const read = (name: string): unknown => JSON.parse(readFileSync(join(out, `${name}.json`), 'utf8'));
      // The exit code is 1 with regressions; the files tell more about them.
      const builds = ['auto', 'simd', 'off'];
      const args = [runner, '--out', out, '--simd', builds.join(',')];
      await promisify(execFile)(process.execPath, args).catch(() => undefined);
      // The stock backend of 4.22 passes 3,891 of the 4,230 tests that run in Node, and has no gradient of conv2d.
      expect((read('stock') as Results).passed.length).toBeGreaterThan(3800);
      for (const build of builds) {
        const { regressions, outdated, newlyPassing } = read(`comparison-${build}`) as Comparison;
        expect(regressions).toEqual({});
        expect(outdated).toEqual([]);
        expect(newlyPassing).toContain('conv2d wasm {} gradient x=[2,3,3,1] f=[2,2,1,1] s=1 p=0');
      }
    }),
  );
});

describe('compare', () => {
  it('tells gains, losses, intended losses and outdated intentions apart', () => {
    const stock = {
      passed: ['kept', 'lost', 'gone', 'meant'],
      failed: { gained: 'no kernel', stale: 'never' },
    };
    const ours = {
      passed: ['kept', 'gained'],
      failed: { lost: '1 is not 2', meant: 'right', stale: 'never' },
    };
    expect(compare(stock, ours, { meant: 'a defect', stale: 'a defect', 'not run': 'a defect' })).toEqual({
      newlyPassing: ['gained'],
      regressions: { lost: '1 is not 2', gone: 'did not run' },
      intended: ['meant'],
      outdated: ['stale'],
    });
  });
});

describe('runEngine', () => {
  it('goes on in a new process after a test that blocks and one that ends the process', () =>
    inFolder(async (folder) => {
      const program = join(folder, 'program.cjs');
      writeFileSync(
        program,
        `process.once('message', ({ skip, engine }) => {
           const pass = { status: 'passed', reason: '' };
           const tests = { a: () => pass, blocks: () => { for (;;); }, ends: () => process.abort(), b: () => pass, c: () => pass };
           const names = { c: 'b' };
           for (const id of Object.keys(tests).filter((id) => !skip.includes(id))) {
             const name = engine + ' ' + (names[id] ?? id);
             process.send({ type: 'started', id, name }, () => {});
             // A message leaves before the next turn only.
             if (id === 'blocks' || id === 'ends') return void setTimeout(tests[id], 50);
             process.send({ type: 'done', id, name, ...tests[id]() });
           }
           process.send({ type: 'suite-failed', name: 'all', reason: 'left something behind' });
           process.send({ type: 'finished' }, () => process.exit(0));
         });
         process.send({ type: 'ready' });`,
      );
      const results = await runEngine(program, {
        engine: 'ours',
        simd: 'auto',
        threads: 1,
        wasmFolder: folder,
        only: [''],
        silenceMs: 1500,
      });
      expect(results.passed).toEqual(['ours a', 'ours b', 'ours b (2)']);
      expect(results.failed).toEqual({
        'ours blocks': 'no result after 1.5 s',
        'ours ends': expect.stringMatching(/^process ended with SIGABRT/) as string,
        'all [set-up or tear-down]': 'left something behind',
      });
    }));

  it('says so when the program cannot start', () =>
    inFolder(async (folder) => {
      const program = join(folder, 'program.cjs');
      writeFileSync(program, `throw new Error('broken');`);
      const settings = { engine: 'stock', simd: 'auto', threads: 1, wasmFolder: folder, only: [''] } as const;
      await expect(runEngine(program, settings)).rejects.toThrow(/'stock' ended before its first test/);
    }));
});
