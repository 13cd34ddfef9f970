/** `apo bench engine` with meters of known speed in the place of child processes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineStepTime, ProductRate, UpdateTime } from '../bench/engine-benchmark.js';
import type { Meter, Subject } from '../bench/subject.js';
import { apo, inFolder } from '../testing/test-io.js';

/** Seconds of a step: 8 ms at one thread, and 1 ns per multiplication and addition of a product. */
function secondsOf(subject: Subject, threads: number): number {
  if ('product' in subject) return (2e-9 * subject.product.reduce((all, side) => all * side, 1)) / threads;
  return 0.008 / threads;
}

/** `wasm` has up to two threads, `node` is not installed, and the published backend cannot train a convolution. */
const processes = {
  startMeter(engine: Meter['engine'], wanted = 1) {
    if (engine === 'node') return Promise.reject(new Error('not installed\n  at all'));
    const threads = engine === 'wasm' ? Math.min(wanted, 2) : 1;
    return Promise.resolve({
      engine,
      threads,
      prepare: (subject: Subject) =>
        engine === 'stock-wasm' && 'model' in subject && subject.model === 'lenet'
          ? Promise.reject(new Error('no such kernel'))
          : Promise.resolve(),
      measure: (subject: Subject, { steps }: { readonly steps: number }) =>
        Promise.resolve({ steps, seconds: steps * secondsOf(subject, threads) }),
      dispose: () => Promise.resolve(),
    });
  },
};

interface Result {
  readonly contestants: readonly { contestant: string; threads: number }[];
  readonly refused: readonly { contestant: string; reason: string }[];
  readonly steps: readonly EngineStepTime[];
  readonly products: readonly ProductRate[];
  readonly updates: readonly UpdateTime[];
}

const short = ['bench', 'engine', '--rounds', '1', '--models', 'mlp,lenet'];

describe('apo bench engine', () => {
  it('has a column for each engine and number of threads, and says which are left out', async () => {
    const line = [...short, '--engines', 'stock-wasm,wasm,node', '--threads', '1,2,4'];
    const { code, stdout } = await apo(line, { processes });
    expect(code).toBe(0);
    expect(stdout).toMatch(/step of momentum .*stock-wasm ×1.*wasm ×1.*wasm ×2/);
    expect(stdout).toMatch(/MLP 784-1000-1000-10, batch 100 .* 8 ms \(1×\).* 8 ms \(1×\).* 4 ms \(0\.5×\)/);
    expect(stdout).toMatch(/LeNet, batch 128 .* cannot .* 8 ms \(1×\)/);
    expect(stdout).toContain('stock-wasm ×1 cannot, lenet: no such kernel');
    // 10⁹ operations in a second by thread.
    expect(stdout).toMatch(/512×512×512 .* Aᵀ·B .* 1 .* 1 .* 2 /);
    expect(stdout).toMatch(/adam, 1796010 parameters .* 8 ms/);
    expect(stdout).toContain('node ×1 is left out: not installed at all');
    expect(stdout).toContain('wasm ×4 is left out: it runs on 2 thread(s) here');
  });

  it('has one column for a device, whatever number of threads is asked for', async () => {
    const line = [...short, '--engines', 'wasm,webgpu', '--threads', '2', '--no-products', '--json'];
    const result = JSON.parse((await apo(line, { processes })).stdout) as Result;
    expect(result.contestants).toEqual([
      { contestant: 'wasm ×2', threads: 2 },
      { contestant: 'webgpu', threads: 1 },
    ]);
  });

  it('gives the same as JSON, without what is left out', async () => {
    const line = [...short, '--json', '--engines', 'wasm', '--no-products'];
    const result = JSON.parse((await apo(line, { processes })).stdout) as Result;
    expect(result.contestants).toEqual([
      { contestant: 'wasm ×1', threads: 1 },
      { contestant: 'wasm ×2', threads: 2 },
    ]);
    expect(
      result.steps.map(({ model, contestant, milliseconds }) => [model, contestant, milliseconds]),
    ).toEqual([
      ['mlp', 'wasm ×1', 8],
      ['mlp', 'wasm ×2', 4],
      ['lenet', 'wasm ×1', 8],
      ['lenet', 'wasm ×2', 4],
    ]);
    expect(result.products).toEqual([]);
    expect(result.updates.map(({ rule }) => rule)).toEqual(['momentum', 'momentum', 'adam', 'adam']);
    const without = await apo([...line, '--no-updates'], { processes });
    expect((JSON.parse(without.stdout) as Result).updates).toEqual([]);
  });

  it('measures a peer beside the engines', () =>
    inFolder(async (folder) => {
      const peer = join(folder, 'peer.mjs');
      writeFileSync(
        peer,
        `import { createInterface } from 'node:readline';
         const say = (answer) => console.log(JSON.stringify(answer));
         say({ name: 'rival', threads: 3 });
         for await (const line of createInterface({ input: process.stdin })) {
           const { subject, minimum } = JSON.parse(line);
           if (subject.model === 'lenet') say({ error: 'too hard' });
           else say(minimum ? { measurement: { steps: 2, seconds: 0.004 } } : {});
         }`,
      );
      const line = [...short, '--no-products', '--no-updates', '--engines', 'wasm', '--threads', '1'];
      const { stdout } = await apo([...line, '--peer', `${process.execPath} ${peer}`], { processes });
      expect(stdout).toMatch(/wasm ×1 .* rival ×3/);
      expect(stdout).toMatch(/MLP .* 8 ms \(1×\) .* 2 ms \(0\.25×\)/);
      expect(stdout).toContain('rival ×3 cannot, lenet: too hard');
    }));

  it('leaves out a peer that cannot be started, and fails when nothing is left', async () => {
    const line = [...short, '--engines', 'node', '--no-products', '--no-updates'];
    const { code, stderr } = await apo([...line, '--peer', '/no/such/program'], { processes });
    expect(code).toBe(1);
    expect(stderr).toContain('node ×1 is left out: not installed at all');
    expect(stderr).toMatch(/peer is left out: The peer \/no\/such\/program cannot be started: .*ENOENT/);
  });

  it('refuses a number of threads that is none', async () => {
    const { code, stderr } = await apo([...short, '--threads', '1,0']);
    expect(code).toBe(2);
    expect(stderr).toContain('Expected a whole number of at least 1');
  });
});
