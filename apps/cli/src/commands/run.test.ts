import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { metricsOf, summaryOf } from '../testing/run-files.js';
import { apo, inFolder } from '../testing/test-io.js';

const digits = ['run', 'digits', '--engine', 'wasm', '--quiet'];

describe('apo run', () => {
  it('writes the metrics, the summary, the checkpoint and the report of a self-tuned run', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      const line = [
        ...digits,
        '--optimizer',
        'sgd-apo',
        '--steps',
        '45',
        '--seed',
        '3',
        '--out',
        out,
        '--json',
      ];
      const { code, stdout, stderr } = await apo(line);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(readdirSync(out).sort()).toEqual([
        'checkpoint.apo',
        'metrics.jsonl',
        'report.html',
        'summary.json',
      ]);

      const summary = summaryOf(out);
      expect(JSON.parse(stdout)).toEqual(summary);
      expect(summary).toMatchObject({
        task: 'digits',
        optimizer: 'sgd-apo',
        engine: 'wasm',
        seed: 3,
        steps: 45,
        // 20 at each of the first steps, then at the steps 21, 31 and 41.
        metaSteps: 23,
        failed: false,
        options: { preset: 'auto', interval: 10, lambdaFsd: 0.3, lambdaWsd: 0, batchSize: 50 },
      });
      expect(summary.trainLoss).toBeGreaterThan(0);
      // Ten classes: an untrained network has a loss of about ln 10 = 2.30 and an accuracy of about 0.1.
      expect(summary.trainLoss).toBeLessThan(1.5);
      expect(summary.testAccuracy).toBeGreaterThan(0.5);
      expect(summary.testAccuracy).toBeLessThanOrEqual(1);
      expect(summary.stepsPerSecond).toBeGreaterThan(0);
      expect(summary.rejected).toBeLessThanOrEqual(summary.metaSteps);

      const metrics = metricsOf(out);
      const meta = [...Array.from({ length: 20 }, (_, i) => i + 1), 21, 31, 41];
      // Every tenth step, the last one and every meta-step (the evaluation after an epoch of 40 steps is at one of them).
      expect(metrics.map((m) => m.step)).toEqual(
        [...new Set([...meta, 1, 10, 20, 30, 40, 45])].sort((a, b) => a - b),
      );
      for (const m of metrics) {
        expect(m.loss).toBeGreaterThan(0);
        expect(m.learningRate).toBeGreaterThan(0);
        expect(m.epoch).toBeCloseTo(m.step / 40, 10);
        expect('q' in m).toBe(meta.includes(m.step));
        // Eq. 8, up to the rounding of a float32 sum.
        if (m.q !== undefined) expect(m.q).toBeCloseTo(m.lookaheadLoss! + m.fsd! + m.wsd!, 5);
        expect('testAccuracy' in m).toBe([40, 45].includes(m.step));
      }
      expect(metrics.at(-1)!.learningRate).toBe(summary.learningRate);
      expect(metrics.at(-1)!.testAccuracy).toBe(summary.testAccuracy);
    }));

  it('is determined by the seed: the same file again, and another one for another seed', () =>
    inFolder(async (folder) => {
      const line = (out: string, seed: string): string[] => [
        ...digits,
        ...['--optimizer', 'adam-apo', '--steps', '12', '--seed', seed, '--out', join(folder, out)],
      ];
      for (const [out, seed] of [
        ['a', '1'],
        ['b', '1'],
        ['c', '2'],
      ] as const) {
        expect((await apo(line(out, seed))).code).toBe(0);
      }
      expect(metricsOf(join(folder, 'b'))).toEqual(metricsOf(join(folder, 'a')));
      expect(metricsOf(join(folder, 'c'))).not.toEqual(metricsOf(join(folder, 'a')));
    }));

  it('leaves no tensor behind', () =>
    inFolder(async (folder) => {
      const line = (out: string): string[] => [
        ...digits,
        ...['--optimizer', 'rmsprop-apo', '--steps', '12', '--out', join(folder, out)],
      ];
      await apo(line('a'));
      const before = tf.memory().numTensors;
      expect((await apo(line('b'))).code).toBe(0);
      expect(tf.memory().numTensors).toBe(before);
    }));

  it('takes the interval of the task, and the options of the command line before it', () =>
    inFolder(async (folder) => {
      const valley = [
        'run',
        'rosenbrock',
        '--engine',
        'wasm',
        '--quiet',
        '--optimizer',
        'sgd-apo',
        '--preset',
        'paper',
      ];
      const start = ['--learning-rate', '1e-4', '--steps', '20'];
      expect((await apo([...valley, ...start, '--out', join(folder, 'a')])).code).toBe(0);
      expect((await apo([...valley, ...start, '--interval', '5', '--out', join(folder, 'b')])).code).toBe(0);
      expect(summaryOf(join(folder, 'a'))).toMatchObject({
        metaSteps: 20,
        testAccuracy: null,
        testLoss: null,
      });
      expect(summaryOf(join(folder, 'b'))).toMatchObject({ metaSteps: 4, rejected: 0 });
      // f(1, −1.5) = (1 − 1)² + 100 (−1.5 − 1)² = 625.
      expect(metricsOf(join(folder, 'a'))[0]).toMatchObject({ step: 1, loss: 625 });
    }));

  it('shows progress as plain lines where there is no terminal', () =>
    inFolder(async (folder) => {
      const line = ['run', 'digits', '--engine', 'wasm', '--optimizer', 'sgd', '--steps', '3'];
      const { stderr, stdout } = await apo([...line, '--out', join(folder, 'run')]);
      expect(stderr).toMatch(/^step 1\/3 {2}loss \S+ {2}lr 0\.01 {2}\S+ steps\/s {2}.+ left$/m);
      expect(stderr).toMatch(/^step 3\/3 {2}/m);
      expect(stdout).toContain('digits, sgd, seed 0, wasm engine: 3 steps in ');
      expect(stdout).toContain(join(folder, 'run', 'report.html'));
    }));

  it('refuses a directory that holds a run, leaves it as it is, and replaces it with --force', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      const line = [...digits, '--optimizer', 'sgd', '--steps', '3', '--out', out];
      expect((await apo(line)).code).toBe(0);
      writeFileSync(join(out, 'notes.txt'), 'mine');
      const before = readFileSync(join(out, 'summary.json'), 'utf8');
      const refused = await apo([...line, '--seed', '1']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toBe(
        `apo: ${out} holds a finished run; continue it with --resume, replace it with --force, or choose another --out.\n`,
      );
      expect(readFileSync(join(out, 'summary.json'), 'utf8')).toBe(before);
      expect((await apo([...line, '--seed', '1', '--force'])).code).toBe(0);
      expect(summaryOf(out).seed).toBe(1);
      expect(readFileSync(join(out, 'notes.txt'), 'utf8')).toBe('mine');
    }));

  it('writes nothing when an option is refused by the optimizer itself', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      const { code, stderr } = await apo([
        ...digits,
        '--optimizer',
        'adam-apo',
        '--lookahead',
        'committed',
        '--out',
        out,
      ]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^apo: .*committed lookahead.*\n$/);
      expect(existsSync(out)).toBe(false);
    }));

  it('marks a run that diverges as failed, with exit code 1 and the summary written', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      const line = [
        'run',
        'rosenbrock',
        '--engine',
        'wasm',
        '--quiet',
        '--optimizer',
        'sgd',
        '--learning-rate',
        '1',
      ];
      const { code, stderr } = await apo([...line, '--steps', '500', '--out', out]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^apo: the run failed: The loss became \S+ at step \d+\.\n$/);
      const summary = summaryOf(out);
      expect(summary).toMatchObject({ failed: true, trainLoss: null });
      expect(summary.steps).toBeLessThan(500);
      expect(metricsOf(out).at(-1)).toMatchObject({ step: summary.steps, loss: null });
      expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('Failed: The loss became');
    }));
});
