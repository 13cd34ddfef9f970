/** Page 3 in a real browser: it trains on both engines, the address restores a run, and what can fail is explained and can be tried again. */
import { readFileSync } from 'node:fs';
import type { Page, Worker } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSite } from './harness.js';
import type { OpenPage, Site } from './harness.js';

/** What the page's probe shows; see RunProbe in src/pages/mnist/view.tsx. */
interface RunProbe {
  readonly phase: 'idle' | 'loading' | 'running' | 'paused' | 'finished' | 'failed';
  readonly engine: { readonly engine: string; readonly threads: number; readonly why: string } | null;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly running: { readonly rate: number } | null;
  readonly step: number;
  readonly metaSteps: number;
  readonly tensors: number;
}

/** The file that the page hands out. */
interface Download {
  readonly address: string;
  readonly steps: number;
  readonly fixed: { readonly losses: readonly number[] };
  readonly tuned: {
    readonly losses: readonly number[];
    readonly accuracy: readonly { readonly step: number; readonly accuracy: number }[];
    readonly metaSteps: readonly { readonly step: number; readonly rate: number }[];
  };
}

/** Small enough for any machine. */
const SMALL = 'model=mlp-32&batch=32&images=2000';
const LONG = 120_000;

const run = (page: OpenPage): Promise<RunProbe> => page.probe<RunProbe>('run');
const waitFor = (page: OpenPage, passes: (run: RunProbe) => boolean): Promise<RunProbe> =>
  page.waitForProbe<RunProbe>('run', passes, 60_000);
const click = (page: OpenPage, action: string): Promise<void> =>
  page.page.locator(`[data-action="${action}"]`).click();
const finished = ({ phase }: RunProbe): boolean => phase === 'finished';
const text = (page: OpenPage, testId: string): Promise<string> =>
  page.page.locator(`[data-testid="${testId}"]`).first().innerText();

async function download({ page }: OpenPage): Promise<Download> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('[data-action=download]').click(),
  ]);
  return JSON.parse(readFileSync(await file.path(), 'utf8')) as Download;
}

async function train(site: Site, query: string): Promise<Download> {
  const opened = await site.open(`mnist.html?${query}`);
  await click(opened, 'start');
  await waitFor(opened, finished);
  const file = await download(opened);
  expect(opened.messages).toEqual([]);
  await opened.close();
  return file;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('with WASM', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  test('trains 30 steps, says on what, and the self-tuned loss falls', { timeout: LONG }, async () => {
    const opened = await site.open(`mnist.html?${SMALL}&steps=30&rate=0.01&seed=3`);
    await click(opened, 'start');
    const { engine, metaSteps } = await waitFor(opened, finished);
    expect(engine).toMatchObject({ engine: 'wasm' });
    expect(engine!.threads).toBeGreaterThan(1);
    // Each of the first 20 steps, and step 21.
    expect(metaSteps).toBe(21);
    expect(await text(opened, 'engine')).toMatch(/^On WASM on \d threads \(SIMD\)\. navigator\.gpu /);
    expect(await text(opened, 'status')).toMatch(/^Done after 30 steps\. The fixed rate reads \d/);
    const { fixed, tuned, steps } = await download(opened);
    expect(steps).toBe(30);
    expect(fixed.losses).toHaveLength(30);
    expect(tuned.losses[0]).toBe(fixed.losses[0]);
    expect(mean(tuned.losses.slice(-5))).toBeLessThan(0.8 * mean(tuned.losses.slice(0, 5)));
    expect(await opened.seriousFindings()).toEqual([]);
    expect(await opened.overflow()).toBeLessThanOrEqual(0);
    expect(opened.messages).toEqual([]);
    await opened.close();
  });

  test('an address restores a run to the last bit', { timeout: LONG }, async () => {
    const query = `${SMALL}&steps=40&rate=0.05&optimizer=momentum&k=5&fsd=1&wsd=0.01&seed=7`;
    const first = await train(site, query);
    const again = await train(site, first.address);
    expect(again.tuned.losses).toEqual(first.tuned.losses);
    expect(again.fixed.losses).toEqual(first.fixed.losses);
    expect(again.tuned.metaSteps).toEqual(first.tuned.metaSteps);
    expect(again.tuned.accuracy).toEqual(first.tuned.accuracy);
    const other = await train(site, query.replace('seed=7', 'seed=8'));
    expect(other.tuned.losses).not.toEqual(first.tuned.losses);
  });

  test('every control changes the settings and the address', async () => {
    const opened = await site.open('mnist.html');
    const { page } = opened;
    await page.getByText('All settings').click();
    // Position 20 · log₁₀ of the value.
    await opened.setSlider('rate', -30);
    await opened.setSlider('fsd', 10);
    await opened.setSlider('wsd', -40);
    await opened.setSlider('k', 25);
    await opened.setSlider('threads', 1);
    for (const [setting, value] of [
      ['start', 'estimated'],
      ['model', 'lenet'],
      ['optimizer', 'adam'],
      ['images', '60000'],
      ['engine', 'wasm'],
    ] as const) {
      await page.locator(`input[data-setting="${setting}"][value="${value}"]`).check({ force: true });
    }
    for (const [setting, value] of [
      ['seed', '12'],
      ['batch', '50'],
      ['steps', '70'],
    ] as const) {
      await page.locator(`input[data-setting="${setting}"]`).fill(value);
      await page.locator(`input[data-setting="${setting}"]`).blur();
    }
    const wanted = {
      model: 'lenet',
      optimizer: 'adam',
      // 10^−1.5, 10^0.5 and 10^−2 to three digits.
      rate: 0.0316,
      start: 'estimated',
      fsd: 3.16,
      wsd: 0.01,
      k: 25,
      seed: 12,
      batch: 50,
      images: '60000',
      steps: 70,
      engine: 'wasm',
      threads: 1,
    };
    expect((await run(opened)).settings).toEqual(wanted);
    await page.reload();
    expect((await run(opened)).settings).toEqual(wanted);
    await page.locator('[data-preset="A rate that is too small"]').click();
    expect((await run(opened)).settings).toMatchObject({ model: 'mlp-100', rate: 0.001, threads: 0 });
    expect(new URL(page.url()).search).toBe('');

    // What cannot be is refused, with a reason, until there is something that can.
    await page.getByText('All settings').click();
    const steps = page.locator('input[data-setting="steps"]');
    await steps.fill('7');
    await steps.blur();
    const refusal = page.getByText('Expected a whole number from 10 to 5000; 500 is used.');
    await refusal.waitFor();
    expect(await steps.getAttribute('aria-invalid')).toBe('true');
    expect((await run(opened)).settings['steps']).toBe(500);
    await steps.fill('80');
    await steps.blur();
    await refusal.waitFor({ state: 'detached' });
    expect((await run(opened)).settings['steps']).toBe(80);
    await opened.close();
  });

  test('a slider moved during a run begins it again at the new rate', { timeout: LONG }, async () => {
    const opened = await site.open(`mnist.html?${SMALL}&steps=5000&rate=0.1`);
    await click(opened, 'start');
    await waitFor(opened, ({ step }) => step > 5);
    await opened.setSlider('rate', -60);
    await waitFor(opened, ({ running, step }) => running?.rate === 0.001 && step > 2);
    await click(opened, 'pause');
    const { tuned } = await download(opened);
    // The first meta-step moves log η by at most 0.3.
    expect(tuned.metaSteps[0]!.rate).toBeGreaterThan(0.001 * Math.exp(-0.31));
    expect(tuned.metaSteps[0]!.rate).toBeLessThan(0.001 * Math.exp(0.31));
    await opened.close();
  });

  test(
    'pauses, goes on, and starts over: as many tensors after 2,000 steps, and after ten times',
    { timeout: LONG },
    async () => {
      const opened = await site.open(`mnist.html?${SMALL}&steps=5000`);
      await click(opened, 'start');
      const early = await waitFor(opened, ({ step }) => step > 3);
      await click(opened, 'pause');
      // What is under way is finished first. Without a pause there would be nothing to resume in the end.
      let held = -1;
      for (let { step } = await run(opened); step !== held; { step } = await run(opened)) {
        held = step;
        await opened.page.waitForTimeout(400);
      }
      expect(await text(opened, 'status')).toBe(`Paused after ${held.toLocaleString('en')} steps.`);
      await click(opened, 'resume');
      const late = await waitFor(opened, ({ step }) => step > 2000);
      expect(late.tensors).toBe(early.tensors);
      for (let i = 0; i < 10; i++) {
        await click(opened, 'reset');
        expect((await run(opened)).step).toBe(0);
        await click(opened, 'start');
        const again = await waitFor(opened, (now) => now.step > 3);
        expect(again.tensors).toBe(early.tensors);
      }
      expect(opened.messages).toEqual([]);
      await opened.close();
    },
  );

  test(
    'a digit that is drawn is read, and test digits can be taken by keyboard',
    { timeout: LONG },
    async () => {
      const opened = await site.open(
        `mnist.html?${SMALL}&steps=150&rate=0.1&optimizer=momentum&start=estimated`,
      );
      const { page } = opened;
      await click(opened, 'start');
      await waitFor(opened, finished);
      const pad = page.getByRole('img', { name: 'Empty pad to draw on' });
      await pad.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await pad.boundingBox())!;
      // An upright stroke.
      await page.mouse.move(x + 0.5 * width, y + 0.15 * height);
      await page.mouse.down();
      await page.mouse.move(x + 0.5 * width, y + 0.85 * height, { steps: 8 });
      await page.mouse.up();
      const said = page.getByTestId('classified');
      await page.waitForFunction(
        (element) => element.textContent.startsWith('Self-tuned:'),
        await said.elementHandle(),
      );
      expect(await said.innerText()).toMatch(/^Self-tuned: 1 \(\d+ %\)/);
      await page.locator('[data-action=next-digit]').focus();
      await page.keyboard.press('Enter');
      // The first digit of MNIST's test set.
      await page.getByRole('img', { name: 'Test digit 0: a 7' }).waitFor();
      await page.waitForFunction(
        (element) => element.textContent.startsWith('Self-tuned: 7'),
        await said.elementHandle(),
      );
      expect(await text(opened, 'mistakes')).toMatch(/^\d+ mistakes in 1,000 digits\.$/);
      expect(opened.messages).toEqual([]);
      await opened.close();
    },
  );

  test(
    'a file that does not come is tried again, then explained; a click goes on',
    { timeout: LONG },
    async () => {
      site.fail('train-00.bin', 2);
      await train(site, `${SMALL}&steps=10`).catch((error: unknown) => {
        // The console reports each failed answer; the run itself must have come to its end.
        expect(String(error)).toContain('503');
      });
      site.fail('train-00.bin', 3);
      const opened = await site.open(`mnist.html?${SMALL}&steps=10`);
      await click(opened, 'start');
      await waitFor(opened, ({ phase }) => phase === 'failed');
      expect(await text(opened, 'error')).toMatch(
        /MNIST could not be loaded: .*train-00\.bin failed 3 times \(503.*Check the connection/s,
      );
      expect(await opened.seriousFindings()).toEqual([]);
      await click(opened, 'retry');
      await waitFor(opened, finished);
      expect(await opened.page.getByTestId('error').count()).toBe(0);
      await opened.close();
    },
  );

  test(
    'a worker that does not load, or dies, is reported, and a click starts another',
    { timeout: LONG },
    async () => {
      const opened = await site.open(`mnist.html?${SMALL}&steps=5000`, {
        before: (page) => page.route('**/session.worker-*.js', (route) => route.abort()),
      });
      await waitFor(opened, ({ phase }) => phase === 'failed');
      expect(await text(opened, 'error')).toContain('The worker stopped: its script did not load.');
      await opened.page.unrouteAll();
      await click(opened, 'retry');
      await waitFor(opened, ({ step }) => step > 3);
      const worker = await mainWorker(opened.page);
      await worker.evaluate(() => {
        setTimeout(() => {
          throw new Error('made to fail');
        });
      });
      await waitFor(opened, ({ phase }) => phase === 'failed');
      expect(await text(opened, 'error')).toContain('made to fail');
      await click(opened, 'retry');
      await waitFor(opened, ({ phase, step }) => phase === 'running' && step > 3);
      await opened.close();
    },
  );

  test('an address that cannot be right is used as far as it can', async () => {
    const opened = await site.open('mnist.html?rate=1000&model=vgg&seed=4');
    expect((await run(opened)).settings).toMatchObject({ rate: 0.001, model: 'mlp-100', seed: 4 });
    const notes = await text(opened, 'notes');
    expect(notes).toContain('rate=1000; expected a number from 0.00001 to 10. Using 0.001.');
    expect(notes).toContain('model=vgg; expected one of mlp-32, mlp-100, mlp-256, lenet.');
    await opened.close();
  });
});

test(
  'without the headers that threads need, one thread trains, and the page says why',
  { timeout: LONG },
  async () => {
    const site = await openSite({ isolated: false });
    const opened = await site.open(`mnist.html?${SMALL}&steps=10`);
    await click(opened, 'start');
    const { engine } = await waitFor(opened, finished);
    expect(engine).toMatchObject({ engine: 'wasm', threads: 1 });
    expect(await text(opened, 'engine')).toContain('More threads need a page that is served with');
    expect(opened.messages).toEqual([]);
    await site.close();
  },
);

describe('with WebGPU', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite({ webgpu: true });
  });
  afterAll(() => site.close());

  test('trains 30 steps on it when asked for, and the loss falls', { timeout: LONG }, async () => {
    const opened = await site.open(`mnist.html?${SMALL}&steps=30&rate=0.01&seed=3&engine=webgpu`);
    await click(opened, 'start');
    const { engine } = await waitFor(opened, finished);
    expect(engine).toMatchObject({ engine: 'webgpu' });
    expect(await text(opened, 'engine')).toMatch(/^On WebGPU/);
    const { tuned } = await download(opened);
    expect(mean(tuned.losses.slice(-5))).toBeLessThan(0.8 * mean(tuned.losses.slice(0, 5)));
    expect(opened.messages.filter((message) => !message.startsWith('warning'))).toEqual([]);
    await opened.close();
  });

  test('prefers WASM to a software renderer when left to choose', { timeout: LONG }, async () => {
    const opened = await site.open(`mnist.html?${SMALL}&steps=10`);
    await click(opened, 'start');
    const { engine } = await waitFor(opened, finished);
    expect(engine).toMatchObject({ engine: 'wasm' });
    expect(engine!.why).toContain('software renderer');
    await opened.close();
  });

  test(
    'a device that is lost in a run is replaced by WASM, and the page says so',
    { timeout: LONG },
    async () => {
      const opened = await site.open(`mnist.html?${SMALL}&steps=60&engine=webgpu`);
      const worker = await mainWorker(opened.page);
      // Keeps hold of the device that the engine opens.
      await worker.evaluate(() => {
        const scope = globalThis as unknown as {
          GPUAdapter: { prototype: { requestDevice(...args: unknown[]): Promise<{ destroy(): void }> } };
          device: { destroy(): void };
        };
        const { prototype } = scope.GPUAdapter;
        const request = prototype.requestDevice;
        prototype.requestDevice = async function (...args) {
          scope.device = await request.apply(this, args);
          return scope.device;
        };
      });
      await click(opened, 'start');
      await waitFor(opened, ({ phase, engine }) => phase === 'running' && engine?.engine === 'webgpu');
      await worker.evaluate(() =>
        (globalThis as unknown as { device: { destroy(): void } }).device.destroy(),
      );
      const { engine } = await waitFor(
        opened,
        ({ phase, engine: now }) => phase === 'finished' && now?.engine === 'wasm',
      );
      expect(engine!.engine).toBe('wasm');
      expect(await text(opened, 'notes')).toMatch(/^The GPU device was lost .* on WASM\.$/s);
      await opened.close();
    },
  );
});

/** The page's own worker, not one of those that the engine starts. */
async function mainWorker(page: Page): Promise<Worker> {
  for (;;) {
    const found = page.workers().findLast((worker) => worker.url().includes('session.worker'));
    if (found !== undefined) return found;
    await page.waitForEvent('worker');
  }
}
