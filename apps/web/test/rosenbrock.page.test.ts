/** The page of the race: it reproduces the known numbers, and every control changes what it should. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSite } from './harness.js';
import type { OpenPage, Site } from './harness.js';

type Id = 'best' | 'fixed' | 'sgdApo' | 'diagonal' | 'full';

interface Shown {
  /** Counts the races of the page. */
  readonly run: number;
  readonly settings: { readonly x: number; readonly y: number; readonly rotation: number };
  readonly step: number;
  readonly finished: boolean;
  /** What the worker has confirmed; 0: it stands still. */
  readonly pace?: number;
  readonly best?: { readonly rate: number };
  readonly tensors: number;
  readonly racers: Readonly<
    Record<
      Id,
      {
        readonly latest?: { readonly place: readonly [number, number]; readonly value: number };
        readonly lostAt?: number;
        /** f after some steps. */
        readonly at: Readonly<Record<'0' | '10' | '100' | '800', number | undefined>>;
      }
    >
  >;
}

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

const race = ({ probe }: OpenPage): Promise<Shown> => probe<Shown>('race');
const waitFor = (
  { waitForProbe }: OpenPage,
  passes: (value: Shown) => boolean,
  timeout?: number,
): Promise<Shown> => waitForProbe('race', passes, timeout);

/** A race that has taken its first ten steps, fast. */
async function underway(search = ''): Promise<OpenPage> {
  const opened = await site.open(`rosenbrock.html?speed=1000${search}`);
  await waitFor(opened, ({ step }) => step >= 10);
  return opened;
}

test('full P is below 1e−6 after 800 steps, and no other racer is near', async () => {
  const opened = await underway();
  const { racers, finished, step } = await waitFor(opened, (value) => value.finished, 60_000);
  expect([finished, step]).toEqual([true, 1000]);
  expect(racers.full.at['0']).toBe(625);
  expect(racers.full.at['800']!).toBeLessThan(1e-6);
  for (const id of ['best', 'fixed', 'sgdApo', 'diagonal'] as const) {
    expect(racers[id].at['800']!).toBeGreaterThan(1e-3);
  }
  const status = await opened.page.getByTestId('status').textContent();
  expect(status).toContain('full P is ahead');
  expect(opened.messages).toEqual([]);
  await opened.close();
});

test('pause, step and reset', async () => {
  const opened = await underway('&steps=10000');
  const { page } = opened;
  await page.locator('[data-action="pause"]').click();
  // What the worker did before it heard of it has arrived by then.
  const { step } = await waitFor(opened, ({ pace }) => pace === 0);
  expect(step).toBeLessThan(10_000);
  await page.locator('[data-action="step"]').click();
  // One step in all, so none was taken in between.
  expect((await waitFor(opened, (value) => value.step > step)).step).toBe(step + 1);
  await page.locator('[data-action="reset"]').click();
  // Still paused.
  await waitFor(opened, (value) => value.step === 0 && value.racers.full.at['0'] === 625);
  await page.locator('[data-action="pause"]').click();
  await waitFor(opened, (value) => value.step > 0);
  expect(opened.messages).toEqual([]);
  await opened.close();
});

describe('what defines a race', () => {
  test('turning the function leaves gradient descent as it is, and a diagonal P not', async () => {
    const opened = await underway();
    const straight = await waitFor(opened, ({ step }) => step >= 100);
    await opened.setSlider('rotation', 45);
    const turned = await waitFor(opened, ({ settings, step }) => settings.rotation === 45 && step >= 100);
    const ratio = (id: Id): number => turned.racers[id].at['100']! / straight.racers[id].at['100']!;
    expect(Math.abs(ratio('fixed') - 1)).toBeLessThan(0.01);
    expect(Math.abs(ratio('diagonal') - 1)).toBeGreaterThan(0.01);
    await opened.close();
  });

  test('a click on the plane is the start, and so are the two fields', async () => {
    const opened = await underway();
    const { page } = opened;
    const plane = page.getByTestId('plane');
    const { width } = (await plane.boundingBox())!;
    // The window goes from −1.75 to 3.75: a quarter of it from the left is −0.375, three quarters from the top as well.
    await plane.click({ position: { x: width / 4, y: (3 * width) / 4 } });
    const clicked = await waitFor(opened, ({ settings, step }) => settings.x < 0 && step > 0);
    expect(Math.abs(clicked.settings.x + 0.375)).toBeLessThan(0.02);
    expect(Math.abs(clicked.settings.y + 0.375)).toBeLessThan(0.02);

    await page.locator('input[data-setting="x"]').fill('0.5');
    await page.locator('input[data-setting="y"]').fill('2');
    await page.keyboard.press('Tab');
    const typed = await waitFor(opened, ({ settings, step }) => settings.y === 2 && step > 0);
    // (1 − 0.5)² + 100 (2 − 0.25)² = 306.5.
    expect(typed.racers.best.at['0']).toBe(306.5);
    expect(opened.messages).toEqual([]);
    await opened.close();
  });

  test('a rate that is too high is lost, and the best one is found anew for each start', async () => {
    const opened = await underway();
    const { best } = await waitFor(opened, (value) => value.best !== undefined);
    expect(best!.rate).toBeGreaterThan(1e-3);
    // Position −20 of twenty positions a power of ten: 0.1.
    await opened.setSlider('rate', -20);
    const { racers } = await waitFor(opened, (value) => value.racers.fixed.lostAt !== undefined);
    expect(racers.fixed.lostAt!).toBeLessThan(20);
    expect(racers.full.lostAt).toBeUndefined();
    await opened.page.locator('[data-preset="From the other side"]').click();
    const other = await waitFor(
      opened,
      ({ settings, best: found }) => settings.x === -1.5 && found !== undefined,
    );
    expect(other.best!.rate).not.toBe(best!.rate);
    await opened.close();
  });

  test('is in the address, and the address gives the same race again, to the last bit', async () => {
    const opened = await underway();
    await opened.page.locator('[data-preset="Turned until a diagonal is enough"]').click();
    const first = await waitFor(opened, ({ settings, step }) => settings.rotation === 26.6 && step >= 100);
    const { search } = new URL(opened.page.url());
    await opened.close();
    const again = await site.open(`rosenbrock.html${search}`);
    const second = await waitFor(again, ({ step }) => step >= 100);
    expect(second.settings).toEqual(first.settings);
    for (const id of ['best', 'fixed', 'sgdApo', 'diagonal', 'full'] as const) {
      const at = ({ racers }: Shown): unknown[] =>
        ['0', '10', '100'].map((step) => racers[id].at[step as '0']);
      expect(at(second)).toEqual(at(first));
    }
    await again.close();
  });
});

test('the engine holds as many tensors after ten resets as before', async () => {
  const opened = await underway();
  const first = await race(opened);
  expect(first.tensors).toBeGreaterThan(0);
  for (let i = 1; i <= 10; i++) {
    await opened.page.locator('[data-action="reset"]').click();
    await waitFor(opened, ({ run, step }) => run === first.run + i && step > 0);
  }
  expect((await race(opened)).tensors).toBe(first.tensors);
  await opened.close();
});

test('a worker that does not load is told, and tried again', async () => {
  let broken = true;
  const opened = await site.open('rosenbrock.html?speed=1000', {
    before: async (page) => {
      await page.route('**/session.worker*', (route) => (broken ? route.abort() : route.continue()));
    },
  });
  const error = opened.page.getByTestId('error');
  await error.waitFor();
  expect(await error.textContent()).toContain('The race has stopped');
  broken = false;
  await opened.page.locator('[data-action="retry"]').click();
  await waitFor(opened, ({ step }) => step > 0);
  await error.waitFor({ state: 'detached' });
  await opened.close();
});

test('who prefers less motion starts the race by hand', async () => {
  const opened = await site.open('rosenbrock.html', {
    before: (page) => page.emulateMedia({ reducedMotion: 'reduce' }),
  });
  const { step } = await waitFor(opened, ({ best, pace }) => best !== undefined && pace === 0);
  expect(step).toBe(0);
  await opened.page.getByRole('button', { name: 'Run' }).click();
  await waitFor(opened, ({ step }) => step > 0);
  expect(opened.messages).toEqual([]);
  await opened.close();
});
