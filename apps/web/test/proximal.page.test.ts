/** The page of the proximal step: every control changes what it should, by the numbers that are drawn. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite } from './harness.js';
import type { OpenPage, Site } from './harness.js';

interface Terms {
  readonly loss: number;
  readonly functionChange: number;
  readonly weightChange: number;
}

interface Curve {
  readonly lambda: number;
  readonly values: readonly number[];
  readonly terms: Terms;
}

interface Panel {
  readonly varied: string;
  readonly family: readonly Curve[];
  readonly chosen: Curve;
}

interface Shown {
  readonly settings: { readonly point: number; readonly y: number; readonly lambdaWsd: number };
  readonly xs: readonly number[];
  readonly before: readonly number[];
  readonly both: Panel;
  readonly wsd: Panel;
  readonly fsd: Panel;
}

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

const shown = ({ probe }: OpenPage): Promise<Shown> => probe<Shown>('proximal');

test('λ_WSD keeps the weights, λ_FSD the predictions; each leaves the other term’s panel alone', async () => {
  const opened = await site.open('proximal.html');
  const first = await shown(opened);

  // Positions are twentieths of a power of ten: λ_WSD = 1.
  await opened.setSlider('lambdaWsd', 0);
  const heavy = await opened.waitForProbe<Shown>('proximal', ({ settings }) => settings.lambdaWsd === 1);
  expect(heavy.both.chosen.terms.weightChange).toBeLessThan(0.1 * first.both.chosen.terms.weightChange);
  expect(heavy.both.chosen.terms.loss).toBeGreaterThan(first.both.chosen.terms.loss);
  expect(heavy.wsd.chosen.terms.loss).toBeGreaterThan(first.wsd.chosen.terms.loss);
  expect(heavy.fsd).toEqual(first.fsd);
  expect(heavy.both.family).toEqual(first.both.family);

  // λ_FSD = 1000.
  await opened.setSlider('lambdaFsd', 60);
  const stiff = await opened.waitForProbe<Shown>('proximal', ({ fsd }) => fsd.chosen.lambda === 1000);
  expect(stiff.both.chosen.terms.functionChange).toBeLessThan(0.1 * heavy.both.chosen.terms.functionChange);
  expect(stiff.fsd.chosen.terms.loss).toBeGreaterThan(first.fsd.chosen.terms.loss);
  expect(stiff.wsd).toEqual(heavy.wsd);
  expect(opened.messages).toEqual([]);
  await opened.close();
});

test('WSD alone shifts the whole function, FSD alone carves a spike', async () => {
  const opened = await site.open('proximal.html');
  const { xs, before, wsd, fsd, settings } = await shown(opened);
  const moved = ({ chosen }: Panel): number[] => chosen.values.map((value, i) => value - before[i]!);
  const x = -3 + 0.3 * settings.point;
  const far = xs.flatMap((other, i) => (Math.abs(other - x) > 1 ? [i] : []));
  expect(Math.min(...moved(wsd))).toBeGreaterThan(1);
  expect(Math.max(...far.map((i) => Math.abs(moved(fsd)[i]!)))).toBeLessThan(0.02);
  expect(fsd.chosen.terms.loss).toBeLessThan(0.01);
  await opened.close();
});

test('the point is dragged with the pointer, and every other example can take its place', async () => {
  const opened = await site.open('proximal.html');
  const { page } = opened;
  const handle = page.getByTestId('handle');
  const box = (await handle.boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const first = await shown(opened);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, y + 120, { steps: 5 });
  // Down is a smaller target, and the step follows at once.
  const dragged = await opened.waitForProbe<Shown>(
    'proximal',
    ({ settings }) => settings.y < first.settings.y - 0.5,
  );
  await page.mouse.up();
  expect(dragged.both.chosen.values).not.toEqual(first.both.chosen.values);
  await page.mouse.move(x, y);
  expect((await shown(opened)).settings.y).toBe(dragged.settings.y);

  const other = (await page.locator('[data-example="4"]').boundingBox())!;
  await page.mouse.move(other.x + other.width / 2, other.y + other.height / 2);
  await page.mouse.down();
  await page.mouse.move(other.x + other.width / 2, other.y - 60, { steps: 3 });
  await page.mouse.up();
  await opened.waitForProbe<Shown>('proximal', ({ settings }) => settings.point === 4);
  expect(opened.messages).toEqual([]);
  await opened.close();
});

test('the point is moved with the keyboard', async () => {
  const opened = await site.open('proximal.html');
  const { page } = opened;
  const handle = page.getByTestId('handle');
  await handle.focus();
  const { settings } = await shown(opened);
  const press = async (keys: readonly string[], passes: (settings: Shown['settings']) => boolean) => {
    for (const key of keys) await page.keyboard.press(key);
    return opened.waitForProbe<Shown>('proximal', (value) => passes(value.settings));
  };
  const near =
    (wanted: number) =>
    ({ y }: Shown['settings']) =>
      Math.abs(y - wanted) < 1e-9;
  await press(['ArrowDown', 'ArrowDown'], near(settings.y - 0.1));
  await press(['PageDown'], near(settings.y - 0.6));
  const left = await press(['ArrowLeft'], ({ point }) => point === settings.point - 1);
  expect(await handle.getAttribute('aria-valuenow')).toBe(String(left.settings.y));
  await press(['Home'], near(-2.2));
  await press(['End', 'ArrowUp'], near(2.2));
  await opened.close();
});

test('the family goes along the weight that is chosen', async () => {
  const opened = await site.open('proximal.html');
  expect((await shown(opened)).both.varied).toBe('wsd');
  await opened.page.locator('input[data-setting="vary"][value="fsd"]').check();
  const { both } = await opened.waitForProbe<Shown>('proximal', (value) => value.both.varied === 'fsd');
  const kept = both.family.map(({ terms }) => terms.functionChange);
  expect(kept).toEqual(kept.toSorted((one, next) => next - one));
  await opened.close();
});

test('the address restores the figure, and a wrong value in it is told', async () => {
  const opened = await site.open('proximal.html');
  await opened.page.locator('[data-preset="At the edge"]').click();
  await opened.setSlider('lambdaWsd', -50);
  const before = await opened.waitForProbe<Shown>('proximal', ({ settings }) => settings.lambdaWsd < 0.01);
  const { search } = new URL(opened.page.url());
  await opened.close();
  const again = await site.open(`proximal.html${search}`);
  expect(await shown(again)).toEqual(before);
  await again.close();

  const wrong = await site.open('proximal.html?lambdaFsd=-1&y=0.5');
  expect(await wrong.page.getByTestId('notes').textContent()).toContain('lambdaFsd=-1');
  expect((await shown(wrong)).settings.y).toBe(0.5);
  expect(wrong.messages).toEqual([]);
  await wrong.close();
});
