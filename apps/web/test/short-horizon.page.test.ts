/** Page 5 in a real browser: the toggle does what it says, every control changes the run, and the address restores it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite } from './harness.js';
import type { OpenPage, Site } from './harness.js';

interface Side {
  /** Every 50th step. */
  readonly rates: readonly number[];
  readonly excess: readonly number[];
  readonly greedy: readonly number[];
}

/** What the page's probe shows; see probe() in src/pages/short-horizon/view.tsx. */
interface RunProbe {
  readonly settings: Readonly<Record<string, number | string>>;
  readonly steps: number;
  readonly metaSteps: number;
  readonly sides: { readonly same?: Side; readonly other?: Side };
  /** The best constant rates for 1, 10, 100 and 1,000 steps. */
  readonly best: readonly number[];
  readonly report?: { readonly finished: boolean; readonly tensors: number };
  readonly failure?: string;
}

const LONG = 120_000;

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

/** The run for the settings that pass, once it is done. */
const done = (page: OpenPage, wanted: Readonly<Record<string, number | string>>): Promise<RunProbe> =>
  page.waitForProbe<RunProbe>(
    'run',
    ({ settings, report }) =>
      report !== undefined && Object.entries(wanted).every(([key, value]) => settings[key] === value),
    60_000,
  );

async function select(page: OpenPage, setting: string, value: string): Promise<void> {
  await page.page.locator(`input[data-setting="${setting}"][value="${value}"]`).check({ force: true });
}

async function type(page: OpenPage, setting: string, value: number): Promise<void> {
  const field = page.page.locator(`input[data-setting="${setting}"]`);
  await field.fill(String(value));
  await field.blur();
}

test(
  'runs by itself; on another batch the learning rate collapses, to the rate that is best for one step',
  { timeout: LONG },
  async () => {
    const opened = await site.open('short-horizon.html?steps=1000');
    const { sides, best, steps } = await done(opened, { steps: 1000 });
    expect(steps).toBe(1000);
    const last = (list: readonly number[]) => list.at(-1)!;
    expect(last(sides.other!.rates)).toBeLessThan(0.2 * last(sides.same!.rates));
    expect(last(sides.other!.excess)).toBeGreaterThan(last(sides.same!.excess));
    const ratio = last(sides.other!.rates) / last(sides.other!.greedy);
    expect(ratio).toBeGreaterThan(0.2);
    expect(ratio).toBeLessThan(5);
    // From there, looking further ahead asks for a far larger rate.
    expect(best[2]!).toBeGreaterThan(5 * best[0]!);
    // The grid of rates is fine enough for the curve of one step to say the same as the formula.
    expect(Math.abs(Math.log10(best[0]! / last(sides.other!.greedy)))).toBeLessThan(0.026);
    const { page } = opened;
    await page
      .getByRole('img', { name: /^Learning rate against the step\. With the loss on the same batch/ })
      .waitFor();
    await page.getByRole('img', { name: /after 1,000 steps the best rate is/ }).waitFor();
    expect(await page.getByTestId('status').innerText()).toMatch(/^2,000 steps in [\d.]+ s, in a worker\.$/);
    expect(await opened.seriousFindings()).toEqual([]);
    expect(opened.messages).toEqual([]);
    await opened.close();
  },
);

test(
  'the toggle leaves one side, with the same numbers, and is in the address',
  { timeout: LONG },
  async () => {
    const opened = await site.open('short-horizon.html?steps=200');
    const both = await done(opened, { loss: 'both' });
    expect(Object.keys(both.sides)).toEqual(['same', 'other']);
    for (const side of ['same', 'other'] as const) {
      await select(opened, 'loss', side);
      const one = await done(opened, { loss: side });
      expect(one.sides).toEqual({ [side]: both.sides[side] });
      expect(new URL(opened.page.url()).searchParams.get('loss')).toBe(side);
      await opened.page.getByText(`from the weights that the run with the loss on`).first().waitFor();
    }
    expect(opened.messages).toEqual([]);
    await opened.close();
  },
);

test('every control changes the run', { timeout: LONG }, async () => {
  const opened = await site.open('short-horizon.html?steps=200');
  let before = await done(opened, { steps: 200 });
  const changed = async (setting: string, value: number | string): Promise<RunProbe> => {
    const now = await done(opened, { [setting]: value });
    expect(now.sides).not.toEqual(before.sides);
    before = now;
    return now;
  };
  // Position 20 (or 10) · log₁₀ of the value.
  await opened.setSlider('noise', -10);
  await changed('noise', 0.316);
  await opened.setSlider('condition', 10);
  await changed('condition', 10);
  await opened.setSlider('lambdaFsd', 20);
  await changed('lambdaFsd', 10);
  await opened.setSlider('lambdaWsd', 20);
  await changed('lambdaWsd', 10);
  await opened.setSlider('initialRate', -30);
  await changed('initialRate', 0.001);
  await type(opened, 'batchSize', 40);
  await changed('batchSize', 40);
  await type(opened, 'interval', 3);
  // Twenty dense ones, then steps 22, 25, …, 199.
  expect((await changed('interval', 3)).metaSteps).toBe(20 + 60);
  await type(opened, 'seed', 5);
  await changed('seed', 5);
  await select(opened, 'rule', 'momentum');
  await changed('rule', 'momentum');
  await type(opened, 'steps', 300);
  const last = await changed('steps', 300);
  expect(last.sides.same!.rates).toHaveLength(6);

  // The address restores all of it, to the last bit.
  await opened.page.reload();
  const restored = await done(opened, last.settings);
  expect(restored.sides).toEqual(last.sides);
  await opened.page.locator('[data-preset="All directions alike"]').click();
  expect((await done(opened, { condition: 1, steps: 2000 })).settings).toMatchObject({
    rule: 'sgd',
    seed: 0,
  });
  expect(opened.messages).toEqual([]);
  await opened.close();
});

test('the program on the page has the numbers of the controls', async () => {
  const opened = await site.open('short-horizon.html?steps=100&loss=other&lambdaFsd=0.7&interval=4');
  const code = await opened.page.getByTestId('code').textContent();
  expect(code).toContain("for (const lossBatch of ['other'])");
  expect(code).toContain('lambdaFsd: 0.7, lambdaWsd: 0, interval: 4');
  await opened.close();
});

test('ten runs leave no tensor, also when one overtakes the other', { timeout: LONG }, async () => {
  const opened = await site.open('short-horizon.html?steps=200');
  const { tensors } = (await done(opened, { seed: 0 })).report!;
  for (let seed = 1; seed <= 10; seed++) {
    await opened.page.locator('[data-action=next-seed]').click();
    // Every other run is overtaken by the next.
    if (seed % 2 === 0) expect((await done(opened, { seed })).report!.tensors).toBe(tensors);
  }
  await opened.page.locator('[data-action=again]').click();
  const again = await opened.waitForProbe<RunProbe>(
    'run',
    ({ report, steps }) => report?.finished === true && steps === 200,
  );
  expect(again.report!.tensors).toBe(tensors);
  expect(opened.messages).toEqual([]);
  await opened.close();
});

test('a worker that does not load is explained, and a click tries again', { timeout: LONG }, async () => {
  const opened = await site.open('short-horizon.html?steps=100', {
    before: async (page) => {
      await page.route('**/session.worker-*.js', (route) => route.abort());
    },
  });
  const error = opened.page.getByTestId('error');
  await error.waitFor();
  expect(await error.innerText()).toContain('The worker stopped: its script did not load.');
  expect(await opened.seriousFindings()).toEqual([]);
  await opened.page.unrouteAll();
  await opened.page.locator('[data-action=retry]').click();
  await done(opened, { steps: 100 });
  expect(await error.count()).toBe(0);
  await opened.close();
});

test('what the address says and cannot be used is told', { timeout: LONG }, async () => {
  const opened = await site.open('short-horizon.html?loss=third&noise=-1&steps=100');
  const { settings } = await done(opened, { steps: 100 });
  expect(settings).toMatchObject({ loss: 'both', noise: 1 });
  const notes = await opened.page.getByTestId('notes').innerText();
  expect(notes).toContain('loss=third; expected one of both, same, other. Using both.');
  expect(notes).toContain('noise=-1; expected a number from 0 to 10. Using 1.');
  await opened.close();
});
