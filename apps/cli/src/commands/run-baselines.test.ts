/** `apo run` with optimizers of @apo/baselines: what they print, record, and continue from. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointTensors, metricsOf, summaryOf } from '../testing/run-files.js';
import { apo, inFolder } from '../testing/test-io.js';

const digits = ['run', 'digits', '--engine', 'wasm', '--threads', '1'];

describe('apo run with kfac', () => {
  it('continues bit for bit, between two inversions', () =>
    inFolder(async (folder) => {
      const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
      const line = [...digits, '--quiet', '--optimizer', 'kfac', '--seed', '3', '--factor-interval', '2'];
      expect((await apo([...line, '--steps', '20', '--out', whole])).code).toBe(0);
      expect((await apo([...line, '--steps', '11', '--out', parts])).code).toBe(0);
      const resumed = await apo(['run', 'digits', '--resume', '--quiet', '--steps', '20', '--out', parts]);
      expect(resumed.code).toBe(0);
      // The end of the first part has an evaluation and a line of its own.
      const common = (directory: string): unknown[] =>
        metricsOf(directory)
          .filter(({ step }) => step !== 11)
          .map(({ step, loss, learningRate }) => [step, loss, learningRate]);
      expect(common(parts)).toEqual(common(whole));
      expect(checkpointTensors(parts)).toEqual(checkpointTensors(whole));
      expect(summaryOf(parts).trainLoss).toBe(summaryOf(whole).trainLoss);
      expect(summaryOf(parts).options).toEqual(summaryOf(whole).options);
      expect(summaryOf(whole).options).toMatchObject({
        learningRate: 0.1,
        damping: 0.01,
        klClip: 0.001,
        factorInterval: 2,
        inverseInterval: 8,
      });

      const other = ['--resume', '--damping', '0.1', '--steps', '30', '--out', parts];
      const { code, stderr } = await apo(['run', 'digits', ...other]);
      expect(code).toBe(2);
      expect(stderr).toContain('--damping is 0.1, but the run was started with 0.01');
    }));

  it('shows which block each variable got, but not when it is to be quiet', () =>
    inFolder(async (folder) => {
      const line = [...digits, '--optimizer', 'kfac', '--steps', '1', '--out', join(folder, 'run')];
      expect((await apo([...line, '--progress', 'lines'])).stderr).toMatch(/kernel.*Kronecker \d+ × \d+/);
      expect((await apo([...line, '--quiet', '--force'])).stderr).toBe('');
    }));

  it('leaves nothing behind when the first step refuses the task', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      const line = ['run', 'rosenbrock', '--engine', 'wasm', '--optimizer', 'kfac', '--out', out];
      const { code, stderr } = await apo(line);
      expect(code).toBe(2);
      expect(stderr).toContain('No curvature block for');
      expect(existsSync(out)).toBe(false);
    }));
});

describe('apo run with a method that has no learning rate', () => {
  it('shows none', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'run');
      const line = [...digits, '--optimizer', 'hessian-free', '--inner-iterations', '3', '--steps', '3'];
      const { code, stdout, stderr } = await apo([...line, '--progress', 'lines', '--out', out]);
      expect(code).toBe(0);
      expect(stderr).toContain('step 3/3  loss ');
      expect(`${stdout}${stderr}`).not.toMatch(/lr |learning rate|not finite/);
      expect(summaryOf(out)).toMatchObject({ learningRate: null, failed: false });
      expect('learningRate' in summaryOf(out).options).toBe(false);
      expect(metricsOf(out).map(({ learningRate }) => learningRate)).toEqual([null, null]);
      const html = readFileSync(join(out, 'report.html'), 'utf8');
      expect(html).not.toMatch(/final learning rate|not finite/);
      expect(html).toContain('<th scope="row">learning rate at the end</th><td>–</td>');
    }));
});
