/** Page 4 in a real browser: three runs, the factors of every layer, and an address that restores it all. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite } from './harness.js';
import type { OpenPage, Site } from './harness.js';

type ByRun<T> = Readonly<Record<'momentum' | 'kfac' | 'apo', T>>;

interface Factor {
  readonly rows: number;
  readonly columns: number;
  readonly norm: number;
}

/** What the page's probe shows; see RunProbe in src/pages/preconditioner/view.tsx. */
interface RunProbe {
  readonly phase: 'idle' | 'loading' | 'running' | 'paused' | 'finished' | 'failed';
  readonly engine: { readonly engine: string } | null;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly running: { readonly momentumRate: number } | null;
  readonly step: number;
  readonly first: ByRun<readonly number[]>;
  readonly last: ByRun<number>;
  readonly timing: ByRun<{ readonly steps: number; readonly milliseconds: number }>;
  readonly rate?: number;
  readonly testLosses?: { readonly step: number; readonly testLoss: ByRun<number | null> };
  readonly layer?: number;
  readonly layerRate?: number;
  readonly factors: Readonly<Partial<Record<'A' | 'B' | 'S', Factor>>>;
  readonly tensors: number;
}

/** Small enough for any machine. */
const SMALL = 'batch=32&images=2000&momentumRate=0.003';
const LONG = 120_000;
const RUNS = ['momentum', 'kfac', 'apo'] as const;

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

const waitFor = (page: OpenPage, passes: (run: RunProbe) => boolean): Promise<RunProbe> =>
  page.waitForProbe<RunProbe>('run', passes, 60_000);
const click = (page: OpenPage, action: string): Promise<void> =>
  page.page.locator(`[data-action="${action}"]`).click();
const finished = ({ phase }: RunProbe): boolean => phase === 'finished';

async function select(page: OpenPage, setting: string, value: string): Promise<void> {
  await page.page.locator(`input[data-setting="${setting}"][value="${value}"]`).check({ force: true });
}

const stepNow = async (page: OpenPage): Promise<number> => (await page.probe<RunProbe>('run')).step;

/** The numbers of a run that another run of the same address must have, too. */
const numbers = ({ first, last, rate, layerRate, factors, testLosses }: RunProbe) => ({
  first,
  last,
  rate,
  layerRate,
  factors,
  testLosses,
});

async function train(query: string): Promise<{ readonly opened: OpenPage; readonly run: RunProbe }> {
  const opened = await site.open(`preconditioner.html?${query}`);
  await click(opened, 'start');
  return { opened, run: await waitFor(opened, finished) };
}

test(
  'trains all three from the same weights, and the factors leave the identity',
  { timeout: LONG },
  async () => {
    const { opened, run } = await train(`${SMALL}&steps=40`);
    expect(run.step).toBe(40);
    expect(run.engine).toMatchObject({ engine: 'wasm' });
    for (const name of RUNS) {
      expect(run.first[name][0]! / run.first.momentum[0]!).toBeCloseTo(1, 5);
      // KFAC wants larger batches than these, but leaves the start behind as well.
      expect(run.last[name]).toBeLessThan(0.95 * run.first[name][0]!);
      expect(run.timing[name].steps).toBeGreaterThan(20);
      expect(run.testLosses!.testLoss[name]).toBeGreaterThan(0);
    }
    expect(run.rate).toBeGreaterThan(0);
    const { A, B, S } = run.factors;
    expect([A!.rows, A!.columns, B!.rows, B!.columns, S!.rows, S!.columns]).toEqual([
      64, 64, 197, 197, 197, 64,
    ]);
    for (const factor of [A!, B!, S!]) expect(factor.norm).toBeGreaterThan(0);
    const { page } = opened;
    await page
      .getByRole('img', { name: /^Change of B since the start, 197 by 197: norm .* in row \d+, column \d+/ })
      .waitFor();
    await page
      .getByRole('img', { name: /^The digits 0 to 9 as APO-Precond reconstructs them; test loss/ })
      .waitFor();
    await page
      .getByRole('img', { name: /^Training loss against steps\. Loss in nats an image: Momentum \d/ })
      .waitFor();
    // A heat-map has red, blue and the middle; an empty canvas has one colour.
    const colors = await page
      .locator('.matrix canvas')
      .nth(1)
      .evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        const found = new Set<number>();
        for (let i = 0; i < data.length; i += 4)
          found.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
        return found.size;
      });
    expect(colors).toBeGreaterThan(20);
    expect(await opened.seriousFindings()).toEqual([]);
    expect(await opened.overflow()).toBeLessThanOrEqual(0);
    expect(opened.messages).toEqual([]);
    await opened.close();
  },
);

test(
  'shows every layer, as change or as entries, against steps or seconds, without another run; the address has all of it',
  { timeout: LONG },
  async () => {
    const { opened, run } = await train(`${SMALL}&steps=12&form=low-rank`);
    const shapes = [
      [64, 197],
      [16, 65],
      [64, 17],
      [196, 65],
    ];
    for (const [i, [outputs, inputs]] of shapes.entries()) {
      await select(opened, 'layer', String(i + 1));
      const now = await waitFor(opened, ({ layer, factors }) => layer === i + 1 && factors.A !== undefined);
      expect([now.factors.A!.rows, now.factors.B!.rows]).toEqual([outputs, inputs]);
    }
    const change = (await opened.probe<RunProbe>('run')).factors;
    await select(opened, 'shown', 'value');
    const entries = (await opened.probe<RunProbe>('run')).factors;
    // ‖S‖ is about √(65 · 196); its change is small beside it.
    expect(entries.S!.norm / Math.sqrt(65 * 196)).toBeCloseTo(1, 1);
    expect(change.S!.norm).toBeLessThan(0.2 * entries.S!.norm);
    await select(opened, 'axis', 'seconds');
    await opened.page.getByRole('img', { name: /^Training loss against seconds/ }).waitFor();
    // One row of A of the last layer is a picture.
    const picture = opened.page.getByRole('img', {
      name: /^The row of A − I of the pixel in row 6, column 7/,
    });
    await picture.waitFor();
    await opened.setSlider('pixelRow', 9);
    await opened.page
      .getByRole('img', { name: /^The row of A − I of the pixel in row 9, column 7/ })
      .waitFor();

    const after = await opened.probe<RunProbe>('run');
    expect(after).toMatchObject({ phase: 'finished', step: 12 });
    expect(after.last).toEqual(run.last);
    expect(new URL(opened.page.url()).search).toBe(
      `?form=low-rank&momentumRate=0.003&batch=32&images=2000&steps=12&layer=4&shown=value&axis=seconds`,
    );
    // The same address gives the same run, to the last bit.
    const again = await train(new URL(opened.page.url()).search.slice(1));
    expect(numbers(again.run)).toEqual(numbers({ ...after, factors: entries }));
    expect(opened.messages).toEqual([]);
    await again.opened.close();
    await opened.close();
  },
);

test('every control changes the settings and the address', async () => {
  const opened = await site.open('preconditioner.html');
  const { page } = opened;
  await page.getByText('All settings').click();
  // Position 20 (or 10) · log₁₀ of the value.
  for (const [setting, position] of [
    ['adaptation', -50],
    ['momentumRate', -30],
    ['kfacRate', -20],
    ['fsd', 10],
    ['wsd', -40],
    ['initialRate', -5],
    ['k', 7],
  ] as const) {
    await opened.setSlider(setting, position);
  }
  for (const [setting, value] of [
    ['network', 'deep'],
    ['form', 'low-rank'],
    ['scale', 'global'],
    ['images', '2000'],
    ['engine', 'auto'],
    ['layer', '7'],
    ['shown', 'value'],
    ['axis', 'seconds'],
  ] as const) {
    await select(opened, setting, value);
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
    network: 'deep',
    form: 'low-rank',
    scale: 'global',
    // 10^−2.5, 10^−1.5, 10^−1, 10^0.5, 10^−2 and 10^−0.5 to three digits.
    adaptation: 0.00316,
    momentumRate: 0.0316,
    kfacRate: 0.1,
    fsd: 3.16,
    wsd: 0.01,
    initialRate: 0.316,
    k: 7,
    seed: 12,
    batch: 50,
    images: '2000',
    steps: 70,
    engine: 'auto',
    layer: 7,
    shown: 'value',
    axis: 'seconds',
  };
  expect((await opened.probe<RunProbe>('run')).settings).toEqual(wanted);
  const code = await page.getByTestId('code').textContent();
  for (const part of [
    'learningRate: 0.00316',
    'learningRate: 0.0316',
    'klClip',
    "form: 'low-rank'",
    'step <= 70',
  ]) {
    expect(code).toContain(part);
  }
  await page.reload();
  expect((await opened.probe<RunProbe>('run')).settings).toEqual(wanted);
  await page.locator('[data-preset="The paper’s form"]').click();
  expect(new URL(page.url()).search).toBe('');
  expect(opened.messages).toEqual([]);
  await opened.close();
});

test('a slider moved during a run begins it again', { timeout: LONG }, async () => {
  const opened = await site.open(`preconditioner.html?${SMALL}&steps=5000&form=low-rank`);
  await click(opened, 'start');
  const before = await waitFor(opened, ({ step }) => step > 3);
  await opened.setSlider('momentumRate', -80);
  const now = await waitFor(opened, ({ running, step }) => running?.momentumRate === 1e-4 && step > 3);
  // The first loss is the same; at 10⁻⁴ momentum then hardly moves.
  expect(now.first.momentum[0]).toBe(before.first.momentum[0]);
  expect(now.first.momentum[2]! / now.first.momentum[0]!).toBeGreaterThan(
    before.first.momentum[2]! / before.first.momentum[0]!,
  );
  expect(now.first.apo).toEqual(before.first.apo);
  await opened.close();
});

test(
  'pauses, goes on, and starts over, with no more tensors after ten times',
  { timeout: LONG },
  async () => {
    const opened = await site.open(`preconditioner.html?${SMALL}&steps=5000&form=low-rank`);
    await click(opened, 'start');
    // After KFAC has inverted for the first time, the number of tensors is what it stays.
    const early = await waitFor(opened, ({ step }) => step > 3);
    await click(opened, 'pause');
    // What is under way is finished first. Without a pause the number would go on growing until the test's time is up.
    let held = -1;
    for (let now = await stepNow(opened); now !== held; now = await stepNow(opened)) {
      held = now;
      await opened.page.waitForTimeout(400);
    }
    await click(opened, 'resume');
    const late = await waitFor(opened, ({ step }) => step > held + 40);
    expect(late.tensors).toBe(early.tensors);
    for (let i = 0; i < 10; i++) {
      await click(opened, 'reset');
      expect(await opened.probe<RunProbe>('run')).toMatchObject({ phase: 'idle', step: 0 });
      await click(opened, 'start');
      expect((await waitFor(opened, ({ step }) => step > 3)).tensors).toBe(early.tensors);
    }
    expect(opened.messages).toEqual([]);
    await opened.close();
  },
);

test(
  'a layer that is chosen while MNIST is loading is the one that is shown',
  { timeout: LONG },
  async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const opened = await site.open(`preconditioner.html?${SMALL}&steps=10&form=low-rank`, {
      before: (page) =>
        page.route('**/list.json', async (route) => {
          await released;
          await route.continue();
        }),
    });
    await click(opened, 'start');
    await waitFor(opened, ({ phase }) => phase === 'loading');
    await select(opened, 'layer', '3');
    release();
    const { factors } = await waitFor(opened, ({ phase, layer }) => phase === 'finished' && layer === 3);
    expect([factors.A?.rows, factors.B?.rows]).toEqual([64, 17]);
    await opened.close();
  },
);

test('files that do not come are explained, and a click goes on', { timeout: LONG }, async () => {
  site.fail('list.json', 3);
  const opened = await site.open(`preconditioner.html?${SMALL}&steps=10&form=low-rank`);
  await click(opened, 'start');
  await waitFor(opened, ({ phase }) => phase === 'failed');
  expect(await opened.page.getByTestId('error').innerText()).toMatch(/list\.json failed 3 times \(503/);
  await click(opened, 'retry');
  await waitFor(opened, finished);
  expect(await opened.page.getByTestId('error').count()).toBe(0);
  await opened.close();
});

test('a run that breaks down is named, and the others go on', { timeout: LONG }, async () => {
  const { opened, run } = await train(`${SMALL.replace('0.003', '1')}&steps=30&form=low-rank`);
  expect(run.step).toBe(30);
  expect(await opened.page.getByTestId('notes').innerText()).toMatch(
    /^The loss is (NaN|Infinity) at step \d+\.$/,
  );
  expect(await opened.page.getByTestId('status').innerText()).toMatch(
    /Momentum broke down at step \d+, KFAC [\d.]+, APO-Precond/,
  );
  expect(opened.messages).toEqual([]);
  await opened.close();
});
