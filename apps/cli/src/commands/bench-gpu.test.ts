/** `apo bench gpu` with meters of known speed in the place of child processes. */
import { describe, expect, it } from 'vitest';
import type { GpuResults } from '../bench/gpu-benchmark.js';
import type { Meter, Subject } from '../bench/subject.js';
import { apo } from '../testing/test-io.js';

/** Milliseconds of a step: 10 ours, 40 published; with a meta-step in every tenth, 1.5 times as many; 10⁻⁶ an operation of a product. */
function milliseconds(engine: string, subject: Subject): number {
  const own = engine === 'webgpu' ? 10 : 40;
  if ('product' in subject)
    return (own / 10) * 1e-6 * 2 * subject.product.reduce((all, side) => all * side, 1);
  return 'model' in subject && subject.meta !== undefined ? 1.5 * own : own;
}

/** An engine on a device; `lenet` cannot be trained, and steps of `resnet18` never end. */
function processes(software: boolean, missing: readonly string[] = []) {
  const prepared: Subject[] = [];
  const startMeter = (engine: Meter['engine']) => {
    if (missing.includes(engine)) return Promise.reject(new Error('no adapter\n  here'));
    return Promise.resolve({
      engine,
      threads: 1,
      device: { name: 'a device', software },
      prepare: (subject: Subject) => {
        prepared.push(subject);
        if ('model' in subject && subject.model === 'lenet')
          return Promise.reject(new Error('no such kernel'));
        return 'model' in subject && subject.model === 'resnet18'
          ? new Promise<void>(() => undefined)
          : Promise.resolve();
      },
      measure: (subject: Subject, { steps }: { readonly steps: number }) =>
        Promise.resolve({ steps, seconds: (steps * milliseconds(engine, subject)) / 1000 }),
      count: (subject: Subject) =>
        Promise.resolve({
          dispatches: engine === 'webgpu' ? 60 : 480,
          boundBytes: 'update' in subject ? 1e6 : 2e6,
          copiedBytes: 3e6,
          readBacks: 0,
          heldBytes: 4e6,
        }),
      compareKernels: ({ rounds }: { readonly rounds: number }) =>
        Promise.resolve(
          engine === 'webgpu'
            ? [
                {
                  kernel: 'ApoAdam',
                  shape: `after ${rounds} rounds`,
                  stock: 3,
                  own: 1.5,
                  ratio: 2,
                  difference: 0,
                  kept: true,
                },
              ]
            : undefined,
        ),
      kill: () => Promise.resolve(),
      dispose: () => Promise.resolve(),
    });
  };
  return { prepared, processes: { startMeter } };
}

interface Result extends GpuResults {
  readonly scale: string;
  readonly contestants: readonly string[];
  readonly refused: readonly { contestant: string; reason: string }[];
}

const line = ['bench', '--backend', 'webgpu', '--models', 'mlp,lenet', '--optimizers', 'adam,adam-apo'];

describe('apo bench --backend', () => {
  it('shows products, steps, meta-steps and counts, ours beside the published ones', async () => {
    const { code, stdout } = await apo([...line, '--peak-tflops', '2'], processes(false));
    expect(code).toBe(0);
    expect(stdout).toContain('a device;');
    expect(stdout).toContain('Full networks.');
    // 2·n³ operations in 2·n³·10⁻⁹ seconds are 1 GFLOP/s, a 2,000th of the peak.
    expect(stdout).toMatch(/4096×4096×4096 .* A·B .* 1 \(0\.1 %\) .* 0\.25 \(0\.0 %\)/);
    expect(stdout).toMatch(/MLP 784-1000-1000-10, batch 100, adam .* 10 ms .* 40 ms \(4×\)/);
    expect(stdout).toMatch(/adam-apo .* 1\.5× .* 1\.5×/);
    expect(stdout).toMatch(/adam .* webgpu .* 60 .* 2 .* 3 .* 0 .* 4 /);
    expect(stdout).toMatch(/ResNet-18, 32×32, batch 128, adam .* 60 \(8× fewer\) .* 480/);
    expect(stdout).toContain('webgpu cannot, lenet, adam: no such kernel');
    expect(stdout).toMatch(/ApoAdam .* after 5 rounds .* 3 ms .* 1\.5 ms .* 2× .* yes/);
    expect((await apo([...line, '--no-kernels'], processes(false))).stdout).not.toContain('ApoAdam');
  });

  it('takes small networks on a software renderer, and says so', async () => {
    const { prepared, ...small } = processes(true);
    const { stdout } = await apo([...line, '--no-products'], small);
    expect(stdout).toMatch(/Small networks, because a device is a software renderer/);
    expect(stdout).toContain('MLP 64-96-96-10, batch 32, adam');
    expect(prepared.every((subject) => 'scale' in subject && subject.scale === 'small')).toBe(true);
    const full = await apo([...line, '--no-products', '--scale', 'full'], small);
    expect(full.stdout).toContain('Full networks.');
  });

  it('gives up what takes longer than the limit and goes on', async () => {
    const given = [
      'bench',
      'gpu',
      '--models',
      'resnet18,mlp',
      '--optimizers',
      'adam',
      '--time-limit',
      '0.05',
    ];
    const { code, stdout } = await apo([...given, '--no-products', '--json'], processes(false));
    expect(code).toBe(0);
    const { steps, updates, contestants } = JSON.parse(stdout) as Result;
    expect(contestants).toEqual(['webgpu', 'stock-webgpu']);
    expect(steps.map(({ model, milliseconds: time, reason }) => [model, time ?? reason])).toEqual([
      ['resnet18', 'it takes longer than the limit of 0.05 s'],
      ['resnet18', 'it takes longer than the limit of 0.05 s'],
      ['mlp', 10],
      ['mlp', 40],
    ]);
    expect(updates.map(({ rule, dispatches }) => [rule, dispatches])).toEqual([
      ['momentum', 60],
      ['momentum', 480],
      ['adam', 60],
      ['adam', 480],
    ]);
  });

  it('fails where there is no device, with the reason', async () => {
    const none = processes(false, ['webgpu', 'stock-webgpu']);
    const { code, stdout } = await apo([...line, '--peer', 'any program'], none);
    expect(code).toBe(1);
    expect(stdout).toContain('webgpu is left out: no adapter here');
  });

  it('says which peer does not start', async () => {
    const { stdout } = await apo([...line, '--peer', '/no/such/program', '--json'], processes(false));
    expect((JSON.parse(stdout) as Result).refused[0]?.reason).toContain('/no/such/program cannot be started');
  });

  it('refuses the options of a GPU without one', async () => {
    const { code, stderr } = await apo(['bench', '--scale', 'small'], processes(false));
    expect(code).toBe(2);
    expect(stderr).toContain('scale belong to a benchmark of a GPU engine; add --backend webgpu');
  });
});
