import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointTensors, metricsOf, summaryOf } from '../testing/run-files.js';
import { apo, inFolder } from '../testing/test-io.js';

const digits = ['run', 'digits', '--engine', 'wasm', '--quiet'];

describe('apo run --resume', () => {
  const line = (out: string): string[] => [
    ...digits,
    '--optimizer',
    'rmsprop-apo',
    '--seed',
    '5',
    '--out',
    out,
  ];
  const resume = (out: string): string[] => ['run', 'digits', '--resume', '--quiet', '--out', out];

  /** Presses Ctrl-C when the run reports progress for the first time. */
  async function interrupted(args: readonly string[]): Promise<number> {
    let interrupt = (): void => undefined;
    const { code, stderr } = await apo([...args.filter((arg) => arg !== '--quiet'), '--progress', 'lines'], {
      onListening: (listener) => {
        interrupt = listener;
      },
      onStderr: (text) => {
        if (text.startsWith('step')) interrupt();
      },
    });
    expect(code).toBe(130);
    const step = Number(
      /Interrupted after step (\d+); continue with: apo run digits --resume --out/.exec(stderr)?.[1],
    );
    expect(step).toBeGreaterThan(0);
    return step;
  }

  it('continues an interrupted run bit for bit', () =>
    inFolder(async (folder) => {
      const whole = join(folder, 'whole');
      const parts = join(folder, 'parts');
      expect((await apo([...line(whole), '--steps', '60'])).code).toBe(0);

      const step = await interrupted([...line(parts), '--steps', '60']);
      expect(step).toBeLessThan(60);
      expect(existsSync(join(parts, 'summary.json'))).toBe(false);
      // Lines of steps after the checkpoint, as a crash would leave them, are cut away.
      const metrics = join(parts, 'metrics.jsonl');
      writeFileSync(
        metrics,
        `${readFileSync(metrics, 'utf8')}{"step":${step + 1},"loss":99,"learningRate":1}\n{"step`,
      );

      expect((await apo(resume(parts))).code).toBe(0);
      expect(metricsOf(parts)).toEqual(metricsOf(whole));
      expect(checkpointTensors(parts)).toEqual(checkpointTensors(whole));
      const number: unknown = expect.any(Number);
      const time: unknown = expect.any(String);
      expect(summaryOf(parts)).toEqual({
        ...summaryOf(whole),
        trainingSeconds: number,
        stepsPerSecond: number,
        finishedAt: time,
      });
    }));

  it('takes a finished run further, and says so when there is nothing left to do', () =>
    inFolder(async (folder) => {
      const whole = join(folder, 'whole');
      const parts = join(folder, 'parts');
      expect((await apo([...line(whole), '--steps', '40'])).code).toBe(0);
      expect((await apo([...line(parts), '--steps', '20'])).code).toBe(0);
      expect((await apo([...resume(parts), '--steps', '40'])).code).toBe(0);
      expect(checkpointTensors(parts)).toEqual(checkpointTensors(whole));
      expect(summaryOf(parts)).toMatchObject({ steps: 40, trainLoss: summaryOf(whole).trainLoss });

      const again = await apo([...resume(parts), '--json']);
      expect(again.code).toBe(0);
      expect(again.stderr).toContain('has already ended at step 40');
      expect(JSON.parse(again.stdout)).toEqual(summaryOf(parts));
    }));

  it('refuses to become another run', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      expect((await apo([...line(out), '--steps', '20'])).code).toBe(0);
      const before = readFileSync(join(out, 'metrics.jsonl'), 'utf8');
      for (const [option, value, was] of [
        ['--seed', '6', '--seed is 6, but the run was started with 5'],
        ['--optimizer', 'sgd', '--optimizer is sgd, but the run was started with "rmsprop-apo"'],
        ['--lambda-fsd', '1', '--lambda-fsd is 1, but the run was started with 0.3'],
      ] as const) {
        const { code, stderr } = await apo([...resume(out), '--steps', '40', option, value]);
        expect(code).toBe(2);
        expect(stderr).toContain(was);
      }
      expect(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).toBe(before);
    }));

  it('refuses a directory without a checkpoint, and a damaged checkpoint', () =>
    inFolder(async (folder) => {
      const missing = await apo(resume(folder));
      expect(missing.code).toBe(2);
      expect(missing.stderr).toContain('there is nothing to resume');
      writeFileSync(join(folder, 'checkpoint.apo'), 'not a checkpoint');
      const damaged = await apo(resume(folder));
      expect(damaged.code).toBe(1);
      expect(damaged.stderr).toMatch(/^apo: The checkpoint cannot be read: [^\n]+\n$/);
    }));
});
