/** A browser, the built site under a sub-path as a static host would have it, and pages whose console has to stay empty. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import type { Browser, Page } from 'playwright';
import sirv from 'sirv';
import { launchOptions } from '../../../tools/chromium.mjs';

/** Pages must not depend on where they are served. */
const FOLDER = '/somewhere/apo/';
/** The built site; APO_SITE names another folder. */
export const DIST = process.env['APO_SITE'] ?? fileURLToPath(new URL('../dist/', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export interface SiteOptions {
  /** With WebGPU, on SwiftShader. Default: a browser that has none. */
  readonly webgpu?: boolean;
  /** With the headers that threads need. Default true. */
  readonly isolated?: boolean;
}

export interface OpenOptions {
  readonly theme?: 'light' | 'dark';
  /** In CSS pixels. Default 1280. */
  readonly width?: number;
  /** Runs in the page before anything of the site does; for example to put something else in place of `fetch`. */
  readonly before?: (page: Page) => Promise<unknown>;
}

export interface OpenPage {
  readonly page: Page;
  /** What the console and uncaught errors have said. */
  readonly messages: readonly string[];
  /** What `<Probe name=…>` shows now. */
  probe<T>(name: string): Promise<T>;
  /** Waits until what the probe shows passes; fails with the last value. */
  waitForProbe<T>(name: string, passes: (value: T) => boolean, timeout?: number): Promise<T>;
  /** Moves a slider to a position, in its own units, as a reader would by keyboard: events and all. */
  setSlider(setting: string, position: number): Promise<void>;
  /** Findings of axe-core that are serious or critical, as `id: target`. */
  seriousFindings(): Promise<string[]>;
  /** By how many pixels the content is wider than the window. */
  overflow(): Promise<number>;
  close(): Promise<void>;
}

export interface Site {
  readonly browser: Browser;
  /** Of the folder that the site is in, ending in a slash. */
  readonly url: string;
  /** Answers the next `times` requests for a path that ends so with 503. */
  fail(pathEnd: string, times: number): void;
  /** Opens a page such as `mnist.html?seed=1` in a context of its own. */
  open(path: string, options?: OpenOptions): Promise<OpenPage>;
  close(): Promise<void>;
}

/** Starts the browser that tools/test-browser.mjs has found, and a server. */
export async function openSite({ webgpu = false, isolated = true }: SiteOptions = {}): Promise<Site> {
  const faults = new Map<string, number>();
  const server = await serve(isolated, faults);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${FOLDER}`;
  const browser = await launch(webgpu);
  return {
    browser,
    url,
    fail: (pathEnd, times) => void faults.set(pathEnd, times),
    open: (path, options) => openPage(browser, new URL(path, url).href, options),
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function launch(webgpu: boolean): Promise<Browser> {
  const { APO_CHROMIUM, APO_CHROMIUM_LIBRARIES } = process.env;
  return chromium.launch(launchOptions({ APO_CHROMIUM, APO_CHROMIUM_LIBRARIES }, { webgpu }));
}

/** `faults`: how many more requests fail, by the end of their path. */
function serve(isolated: boolean, faults: Map<string, number>): Promise<Server> {
  const files = sirv(DIST, {
    setHeaders(response) {
      if (!isolated) return;
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    },
  });
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const notFound = (): void => {
      response.writeHead(404).end('not found');
    };
    if (request.url?.startsWith(FOLDER) !== true) {
      notFound();
      return;
    }
    const fault = [...faults].find(([end, left]) => left > 0 && request.url?.endsWith(end));
    if (fault !== undefined) {
      faults.set(fault[0], fault[1] - 1);
      response.writeHead(503).end('failed on purpose');
      return;
    }
    request.url = request.url.slice(FOLDER.length - 1);
    files(request, response, notFound);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function openPage(
  browser: Browser,
  url: string,
  { theme = 'light', width = 1280, before }: OpenOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    colorScheme: theme,
    // The locale of a bare environment is no language tag that Intl takes.
    locale: 'en-US',
    viewport: { width, height: width < 600 ? 800 : 900 },
  });
  const page = await context.newPage();
  const messages: string[] = [];
  page.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => messages.push(`error: ${error.message}`));
  page.on('requestfailed', (request) => {
    messages.push(`failed request: ${request.url()} ${request.failure()?.errorText ?? ''}`);
  });
  await before?.(page);
  await page.goto(url);
  await page
    .locator('main h1')
    .waitFor({ timeout: 10_000 })
    .catch((error: unknown) => {
      throw new Error(`${url} shows nothing; its console: ${messages.join(' | ')}`, { cause: error });
    });

  const probe = async <T>(name: string): Promise<T> => {
    const text = await page.locator(`script[data-probe="${name}"]`).textContent();
    return JSON.parse(text ?? 'null') as T;
  };
  return {
    page,
    messages,
    probe,
    async waitForProbe<T>(name: string, passes: (value: T) => boolean, timeout = 30_000) {
      const end = Date.now() + timeout;
      for (;;) {
        const value = await probe<T>(name);
        if (passes(value)) return value;
        if (Date.now() > end) {
          const status = await page.locator('[data-testid=status], [data-testid=error]').allTextContents();
          throw new Error(
            `Waited ${timeout} ms for "${name}"; it is ${JSON.stringify(value).slice(0, 2000)}; the page says ${status.join(' | ')}; console: ${messages.join(' | ')}`,
          );
        }
        await page.waitForTimeout(50);
      }
    },
    async setSlider(setting, position) {
      await page.locator(`input[type=range][data-setting="${setting}"]`).fill(String(position));
    },
    async seriousFindings() {
      await page.evaluate(readFileSync(AXE, 'utf8'));
      const findings = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: {
            run(): Promise<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }>;
          };
        };
        const { violations } = await axe.run();
        return violations.map(({ id, impact, nodes }) => ({
          id,
          impact,
          targets: nodes.map(({ target }) => target.join(' ')),
        }));
      });
      return findings
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, targets }) => `${id}: ${targets.join(', ')}`);
    },
    overflow: () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
    close: () => context.close(),
  };
}
