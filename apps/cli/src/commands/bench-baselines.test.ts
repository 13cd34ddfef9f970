/** `apo bench baselines` with a meter of known speed in the place of a child process. */
import { ApoError } from '@apo/core';
import { describe, expect, it } from 'vitest';
import type { BaselineTime } from '../bench/baseline-benchmark.js';
import type { Meter, Subject } from '../bench/subject.js';
import { apo } from '../testing/test-io.js';

/** Momentum 10 ms; KFAC 40 ms, 30 without inversions; Shampoo cannot; EKFAC ends the process; all others 20 ms. Counts what it was asked for. */
function fakeProcesses(asked: string[] = []) {
  const milliseconds = (subject: Subject): number => {
    if (!('baseline' in subject)) return 10;
    if (subject.method !== 'kfac') return 20;
    return subject.inverses ? 40 : 30;
  };
  return {
    startMeter(engine: Meter['engine']) {
      asked.push('start');
      if (engine === 'node') return Promise.reject(new Error('not installed'));
      return Promise.resolve({
        engine,
        threads: 2,
        prepare: (subject: Subject) =>
          'baseline' in subject && subject.method === 'shampoo'
            ? Promise.reject(new Error('too large'))
            : Promise.resolve(),
        measure(subject: Subject, { steps }: { readonly steps: number }) {
          if ('baseline' in subject) {
            asked.push(`${subject.method} ${steps} ${subject.inverses}`);
            if (subject.method === 'ekfac')
              return Promise.reject(new ApoError('BACKEND_UNAVAILABLE', 'out of memory'));
          }
          return Promise.resolve({ steps, seconds: (steps * milliseconds(subject)) / 1000 });
        },
        dispose: () => Promise.resolve(),
      });
    },
  };
}

const line = ['bench', 'baselines', '--models', 'mlp', '--rounds', '1'];

describe('apo bench baselines', () => {
  it('shows ratios, shares and what cannot be measured', async () => {
    const processes = fakeProcesses();
    const { code, stdout, stderr } = await apo([...line, '--engines', 'wasm,node'], { processes });
    expect(code).toBe(0);
    expect(stderr).toContain('wasm: mlp, kfac\n');
    // 1 − 30/40 of the time goes into inverses.
    expect(stdout).toMatch(
      /MLP 784-1000-1000-10, batch 100, kfac +│ wasm +│ +40 ms +│ +4× +│ +25 % +│ +20 steps/,
    );
    expect(stdout).toMatch(/prodigy +│ wasm +│ +20 ms +│ +2× +│ +– +│ +– /);
    expect(stdout).toMatch(/shampoo +│ wasm +│ +cannot/);
    expect(stdout).toContain('wasm cannot train mlp with shampoo: too large');
    expect(stdout).toContain('node is left out: not installed');
    expect(stdout).toContain('Threads: wasm 2.');
  });

  it('measures whole intervals, and gives the same as JSON', async () => {
    const asked: string[] = [];
    const processes = fakeProcesses(asked);
    const { stdout } = await apo([...line, '--optimizers', 'kfac,hypergradient', '--json'], { processes });
    expect(asked).toEqual(['start', 'kfac 20 true', 'kfac 20 false', 'hypergradient 1 true']);
    const { times } = JSON.parse(stdout) as { readonly times: readonly BaselineTime[] };
    expect(times).toHaveLength(2);
    expect(times[0]).toMatchObject({ model: 'mlp', method: 'kfac', engine: 'wasm', interval: 20, ratio: 4 });
    expect(times[0]!.inverseShare).toBeCloseTo(0.25, 10);
    expect(times[1]!.ratio).toBe(2);
    expect('inverseShare' in times[1]!).toBe(false);
  });

  it('starts the engine again after a method that ended it, and keeps the other rows', async () => {
    const asked: string[] = [];
    const methods = 'hypergradient,ekfac,proximal-point,shampoo,prodigy';
    const { code, stdout } = await apo([...line, '--optimizers', methods], {
      processes: fakeProcesses(asked),
    });
    expect(code).toBe(0);
    expect(asked).toEqual([
      'start',
      'hypergradient 1 true',
      'ekfac 20 true',
      'start',
      'proximal-point 1 true',
      'prodigy 1 true',
    ]);
    expect(stdout.match(/│ +2× +│/g)).toHaveLength(3);
    expect(stdout).toContain('wasm cannot train mlp with ekfac: out of memory');
    // The bound that makes it a known amount of work is in its row.
    expect(stdout).toContain('proximal-point (≤ 2 × 10 CG)');
  });

  it('fails when no engine could start, and refuses what is no baseline', async () => {
    const processes = fakeProcesses();
    expect((await apo([...line, '--engines', 'node'], { processes })).code).toBe(1);
    const { code, stderr } = await apo([...line, '--optimizers', 'adam'], { processes });
    expect(code).toBe(2);
    expect(stderr).toContain('"adam" is not one of kfac');
  });
});
