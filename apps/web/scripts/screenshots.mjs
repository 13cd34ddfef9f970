/**
 * Draws every page of the built site, light and dark, 1280 and 380 pixels wide, into docs/web/ (or the folder that is named): each after its
 * run. `--full` takes whole pages instead of what a window shows. The browser is the one of the tests.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { preview } from 'vite';
import { findChromium, launchOptions } from '../../../tools/chromium.mjs';

/** What is drawn: the page, at what address, from which element on, what starts its run, and the words of its status when it is over. */
const PAGES = [
  { name: 'index' },
  { name: 'proximal', at: '.stage' },
  { name: 'rosenbrock', query: '?speed=1000', at: '.stage', over: 'The race is over' },
  { name: 'mnist', at: '.run-bar', start: 'start', over: 'Done after' },
  { name: 'preconditioner', at: 'figure:has(.matrices)', start: 'start', over: 'Done after' },
  { name: 'short-horizon', at: '.run-bar', over: ' steps in ' },
];
const SIZES = [
  { width: 1280, height: 700 },
  { width: 380, height: 660 },
];
const THEMES = ['light', 'dark'];
/** Milliseconds for a run on a slow machine. */
const PATIENCE = 300_000;

const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean', default: false }, site: { type: 'string', default: 'dist' } },
  allowPositionals: true,
});
const root = fileURLToPath(new URL('..', import.meta.url));
const target = positionals[0] ?? join(root, '../../docs/web');

const found = await findChromium();
if (found.reason !== undefined) throw new Error(`No browser starts here: ${found.reason}.`);
mkdirSync(target, { recursive: true });
const server = await preview({
  root,
  build: { outDir: values.site },
  preview: { port: 0 },
  logLevel: 'warn',
});
const browser = await chromium.launch(launchOptions(found.env));
try {
  for (const page of PAGES) await draw(page);
} finally {
  await browser.close();
  await server.close();
}

async function draw({ name, query = '', at = 'body', start, over }) {
  const context = await browser.newContext({ colorScheme: 'light', locale: 'en-US', viewport: SIZES[0] });
  const page = await context.newPage();
  await page.goto(new URL(`${name}.html${query}`, server.resolvedUrls.local[0]).href);
  await page.locator('main h1').waitFor();
  if (start !== undefined) await page.locator(`[data-action="${start}"]`).click();
  if (over !== undefined) {
    await page.getByTestId('status').filter({ hasText: over }).waitFor({ timeout: PATIENCE });
  }
  for (const theme of THEMES) {
    const toTheme = page.getByRole('button', { name: `Use the ${theme} theme` });
    if ((await toTheme.count()) > 0) await toTheme.click();
    for (const size of SIZES) {
      await page.setViewportSize(size);
      // Charts are drawn in the frame after the one that finds their new width.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200))));
      await page.mouse.move(0, 0);
      await page.locator(at).evaluate((element) => scrollBy(0, element.getBoundingClientRect().top - 16));
      const path = join(target, `${name}-${theme}-${size.width}.png`);
      await page.screenshot({ path, fullPage: values.full, animations: 'disabled' });
      console.log(path);
    }
    await page.setViewportSize(SIZES[0]);
  }
  await context.close();
}
