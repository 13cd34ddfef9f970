/** `apo bench precond` with meters of known speed in the place of child processes. */
import { describe, expect, it } from 'vitest';
import type { FormMetaOverhead, FormStepTime } from '../bench/precond-benchmark.js';
import type { AddedMemory } from '../bench/precond-memory.js';
import type { Meter, StepSubject, Subject } from '../bench/subject.js';
import { apo } from '../testing/test-io.js';

/** Milliseconds of a base step by rule; a meta-step adds 20 ms, and 10 more under `auto`. */
const base: Partial<Record<StepSubject['rule'], number>> = { momentum: 10, 'low-rank': 15, full: 100 };

function millisecondsOf({ rule, meta }: StepSubject): number {
  const own = base[rule] ?? 12;
  return meta === undefined ? own : own + (meta.preset === 'auto' ? 30 : 20) / meta.interval;
}

interface Asked {
  readonly subject: StepSubject;
  readonly steps: number;
}

/** `wasm` measures, and cannot do the diagonal form; `node` is not installed. */
function processes(asked: Asked[] = []) {
  return {
    startMeter(engine: Meter['engine'], threads = 2) {
      if (engine === 'node') return Promise.reject(new Error('not installed\n  at all'));
      return Promise.resolve({
        engine,
        threads,
        prepare: (subject: Subject) =>
          'model' in subject && subject.rule === 'diagonal'
            ? Promise.reject(new Error('no such kernel'))
            : Promise.resolve(),
        measure(subject: Subject, { steps }: { readonly steps: number }) {
          asked.push({ subject: subject as StepSubject, steps });
          return Promise.resolve({ steps, seconds: (steps * millisecondsOf(subject as StepSubject)) / 1000 });
        },
        dispose: () => Promise.resolve(),
      });
    },
  };
}

interface Result {
  readonly engines: readonly { engine: string; threads: number }[];
  readonly steps: readonly FormStepTime[];
  readonly meta: readonly FormMetaOverhead[];
  readonly memory: readonly AddedMemory[];
}

const short = ['bench', 'precond', '--rounds', '1', '--models', 'mlp'];

describe('apo bench precond', () => {
  it('shows time and operations over momentum, and meta-steps beside their limit', async () => {
    const line = [...short, '--forms', 'low-rank,full', '--engines', 'wasm,node', '--threads', '2'];
    const { code, stdout } = await apo(line, { processes: processes() });
    expect(code).toBe(0);
    expect(stdout).toContain('Threads: wasm 2.');
    expect(stdout).toMatch(/batch 100 .* wasm .* momentum .* 10 ms .* 1\.00 .* 1\.00/);
    expect(stdout).toMatch(/batch 100 .* wasm .* rank 16 .* 15 ms .* 1\.50 .* 1\.51/);
    // 7,933 M operations on top of 919.6 M: both large layers rotate.
    expect(stdout).toMatch(/batch 100 .* wasm .* full .* 100 ms .* 10\.00 .* 9\.63/);
    // (15 + 2)/15 and (15 + 3)/15.
    expect(stdout).toMatch(/rank 16 .* 1\.133 \(limit 1\.2\d\d\) .* 1\.200 \(limit 1\.\d\d\d\)/);
    expect(stdout).toMatch(/full .* 1\.020 \(limit .* 1\.030 \(limit/);
    expect(stdout).toContain('node is left out: not installed at all');
  });

  it('says why a form cannot be measured, and goes on', async () => {
    const { code, stdout } = await apo([...short, '--forms', 'diagonal,block'], { processes: processes() });
    expect(code).toBe(0);
    expect(stdout).toMatch(/diagonal .* cannot/);
    expect(stdout).toMatch(/blocks of 64 .* 12 ms .* 1\.20/);
    expect(stdout).toContain('wasm cannot, mlp, diagonal: no such kernel');
  });

  it('gives the same as JSON, and what P adds to memory', async () => {
    const line = [...short, '--forms', 'low-rank,diagonal', '--json'];
    const result = JSON.parse((await apo(line, { processes: processes() })).stdout) as Result;
    expect(result.engines).toEqual([{ engine: 'wasm', threads: 2 }]);
    expect(result.steps.map(({ rule, milliseconds, reason }) => [rule, milliseconds ?? reason])).toEqual([
      ['momentum', 10],
      ['low-rank', 15],
      ['diagonal', 'no such kernel'],
    ]);
    expect(result.meta.map(({ form, preset, interval }) => [form, preset, interval])).toEqual([
      ['low-rank', 'paper', 10],
      ['low-rank', 'auto', 10],
      ['diagonal', 'paper', 10],
      ['diagonal', 'auto', 10],
    ]);
    const mlp = result.memory.filter(({ model }) => model === 'mlp');
    // The diagonal form has as many numbers as the network. Rank 16 adds 2·16 for each row and column of a matrix, but a
    // whole 10×10 on the columns of the last layer: 32·(785 + 1000 + 1001 + 1000 + 1001) + 100.
    expect(mlp.map(({ form, parameters, added }) => [form, parameters, added])).toEqual([
      ['low-rank', 1_796_010, 1_796_010 + 153_284],
      ['diagonal', 1_796_010, 1_796_010],
    ]);
    expect(mlp[1]!.mebibytes).toBeCloseTo((4 * 1_796_010) / 1_048_576, 9);
    expect(mlp[1]!.adamMebibytes).toBeCloseTo((8 * 1_796_010) / 1_048_576, 9);
    expect(new Set(result.memory.map(({ model }) => model))).toContain('transformer');
  });

  it('measures momentum in every round, the full form in two, and whole intervals of meta-steps', async () => {
    const asked: Asked[] = [];
    await apo(['bench', 'precond', '--rounds', '5', '--models', 'autoencoder', '--forms', 'full,block'], {
      processes: processes(asked),
    });
    const count = (rule: string, preset?: string): number =>
      asked.filter(({ subject }) => subject.rule === rule && subject.meta?.preset === preset).length;
    // Base steps are measured beside momentum and again beside meta-steps.
    expect([count('momentum'), count('block'), count('full')]).toEqual([5, 10, 4]);
    expect([count('block', 'auto'), count('full', 'paper')]).toEqual([5, 2]);
    for (const { subject, steps } of asked) if (subject.meta) expect(steps % subject.meta.interval).toBe(0);
  });

  it('leaves meta-steps out, and fails when no engine is left', async () => {
    const line = [...short, '--forms', 'block', '--no-meta', '--json'];
    const without = JSON.parse((await apo(line, { processes: processes() })).stdout) as Result;
    expect(without.meta).toEqual([]);
    const none = await apo([...short, '--engines', 'node'], { processes: processes() });
    expect(none.code).toBe(1);
    expect(none.stdout).toContain('what P adds');
  });

  it('refuses a network whose operations cannot be counted', async () => {
    const { code, stderr } = await apo(['bench', 'precond', '--models', 'lenet'], { processes: processes() });
    expect(code).toBe(2);
    expect(stderr).toContain('"lenet" is not one of mlp, autoencoder');
  });
});
