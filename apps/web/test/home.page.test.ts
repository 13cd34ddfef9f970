/** The front page, and what every page must be: quiet, accessible, no wider than a phone, and quick to load. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST, openSite } from './harness.js';
import type { Site } from './harness.js';

const PAGES = readdirSync(DIST).filter((name) => name.endsWith('.html'));
const FIRST_VIEW_LIMIT = 300_000;

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

test('the site has its six pages', () => {
  expect(PAGES.sort()).toEqual([
    'index.html',
    'mnist.html',
    'preconditioner.html',
    'proximal.html',
    'rosenbrock.html',
    'short-horizon.html',
  ]);
});

describe.each(PAGES)('%s', (name) => {
  test('loads with an empty console, without serious accessibility findings in either theme, and asks its own server only', async () => {
    for (const theme of ['light', 'dark'] as const) {
      const asked: string[] = [];
      const { page, messages, seriousFindings, close } = await site.open(name, {
        theme,
        before: async (fresh) => void fresh.on('request', (request) => asked.push(request.url())),
      });
      expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe(theme);
      expect(await seriousFindings()).toEqual([]);
      expect(messages).toEqual([]);
      expect(asked.filter((url) => !url.startsWith(site.url) && !url.startsWith('data:'))).toEqual([]);
      await close();
    }
  });

  test('fits on a phone 380 pixels wide', async () => {
    const { overflow, close } = await site.open(name, { width: 380 });
    expect(await overflow()).toBeLessThanOrEqual(0);
    await close();
  });

  test(`needs less than ${FIRST_VIEW_LIMIT / 1000} kB of JavaScript, compressed, to be seen`, () => {
    const total = [...scriptsOf(name)].reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(FIRST_VIEW_LIMIT);
  });
});

test('the theme can be changed, and the choice is kept', async () => {
  const { page, close } = await site.open('index.html');
  const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
  await page.getByRole('button', { name: 'Use the dark theme' }).click();
  expect(await theme()).toBe('dark');
  await page.reload();
  expect(await theme()).toBe('dark');
  await page.getByRole('button', { name: 'Use the light theme' }).click();
  expect(await theme()).toBe('light');
  await close();
});

/** The scripts that a page loads before it is seen: those it names, and whatever they import statically. */
function scriptsOf(name: string): Set<string> {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    const code = readFileSync(file, 'utf8');
    for (const [, path] of code.matchAll(/(?:import|from)\s*["'](\.[^"']+\.js)["']/g)) {
      visit(fileURLToPath(new URL(path!, `file://${file}`)));
    }
  };
  const html = readFileSync(join(DIST, name), 'utf8');
  for (const [, path] of html.matchAll(/<script[^>]+src="(\.[^"]+\.js)"/g)) visit(join(DIST, path!));
  return found;
}
