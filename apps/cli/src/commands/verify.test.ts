import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '@apo/baselines';
import { parseHTML } from 'linkedom';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { apo, inFolder } from '../testing/test-io.js';

interface Result {
  readonly engine: string;
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

describe('apo verify', () => {
  it('prints every check and writes a report, and leaves no tensor behind', () =>
    inFolder(async (folder) => {
      const html = join(folder, 'theory.html');
      await apo(['verify', '--engine', 'wasm', '--only', 'theorem-1']);
      const before = tf.memory().numTensors;
      const { code, stdout } = await apo(['verify', '--engine', 'wasm', '--html', html]);
      expect(tf.memory().numTensors).toBe(before);
      expect(stdout).not.toContain('FAILS');
      expect(code).toBe(0);
      const [, holding, all] = /(\d+) of (\d+) checks hold \(wasm engine/.exec(stdout)!;
      expect(holding).toBe(all);
      expect(stdout.match(/│ holds/g)).toHaveLength(Number(all));
      expect(stdout).toMatch(/low-rank P, one scale, unrolled graph +│ \S+ ≤ 1\.0e-4 +│ holds/);
      expect(stdout).toContain(`Report: ${html}`);

      const { document } = parseHTML(readFileSync(html, 'utf8'));
      const rows = Array.from(document.querySelectorAll('table.data tbody tr') as Iterable<Element>);
      expect(rows).toHaveLength(Number(all));
      for (const row of rows) expect(row.lastElementChild!.textContent).toBe('holds');
      // Eq. 4: one curve a loss in one figure.
      const figures = document.querySelectorAll('figure svg');
      expect(figures).toHaveLength(1);
      expect(figures[0]!.querySelectorAll('g[aria-label="line"] path')).toHaveLength(3);
      expect(document.querySelectorAll('script, link, img')).toHaveLength(0);
      expect(document.body.textContent).toContain('E[ggᵀ] has rank');
    }));

  it('gives the same as JSON, twice the same', async () => {
    const line = ['verify', '--engine', 'wasm', '--only', 'update-rules,theorem-1', '--json'];
    const result = JSON.parse((await apo(line)).stdout) as Result;
    expect(result).toMatchObject({ engine: 'wasm', passed: true });
    expect(new Set(result.checks.map(({ verification }) => verification))).toEqual(
      new Set(['update-rules', 'theorem-1']),
    );
    // Two checks a rule: 7 rules of core and 8 preconditioners; three losses.
    expect(result.checks).toHaveLength(2 * (7 + 8) + 3);
    // The bias is a row of its layer's block: two blocks for the two layers.
    const low = result.checks.find(({ name }) => name === 'low-rank P, one scale, unrolled graph');
    expect([...low!.compared.matchAll(/(\S+)\.S\b/g)].map(([, block]) => block)).toEqual([
      'network1/1',
      'network1/2',
    ]);
    expect((JSON.parse((await apo(line)).stdout) as Result).checks).toEqual(result.checks);
  });
});
