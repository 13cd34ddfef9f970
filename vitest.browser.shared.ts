/** The tests of a package in a headless Chromium: in a plain page and, for threads, in a cross-origin-isolated one. */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import type { TestProjectConfiguration, ViteUserConfig } from 'vitest/config';
import { launchOptions } from './tools/chromium.mjs';

export interface BrowserTests {
  /** What runs in a page without isolation. */
  readonly page: TestFiles;
  /** What runs in an isolated one; none is opened without it. */
  readonly isolatedPage?: TestFiles;
  /** Loaded before each file of tests. */
  readonly setupFiles: readonly string[];
  /** Packages that the set-up files import: Vite finds those of the tests itself, and reloads the page for one that it missed. */
  readonly setupDependencies: readonly string[];
  /** Whether pages get an adapter of WebGPU, a software one. Default false. */
  readonly webgpu?: boolean;
}

/** Patterns. */
export interface TestFiles {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** tools/test-browser.mjs finds the browser and names it in `APO_CHROMIUM`; without that, Playwright looks for its own. */
export function browserTests(tests: BrowserTests): ViteUserConfig {
  return defineConfig({
    test: {
      projects: [
        project('page', {}, tests.page, tests),
        ...(tests.isolatedPage === undefined
          ? []
          : [project('isolated page', ISOLATION, tests.isolatedPage, tests)]),
      ],
      reporters: ['default', 'json'],
      outputFile: { json: 'reports/vitest-browser.json' },
    },
  });
}

function project(
  name: string,
  headers: Record<string, string>,
  { include, exclude }: TestFiles,
  { setupFiles, setupDependencies, webgpu = false }: BrowserTests,
): TestProjectConfiguration {
  return {
    server: { headers },
    // Neither project finds the other's half-written dependencies.
    cacheDir: `node_modules/.vite/${name.replaceAll(' ', '-')}`,
    resolve: { conditions: ['@apo/source', 'module', 'browser', 'development|production'] },
    optimizeDeps: { include: [...setupDependencies] },
    test: {
      name,
      include: [...include],
      exclude: ['**/node_modules/**', ...exclude],
      setupFiles: [...setupFiles],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        ui: false,
        screenshotFailures: false,
        provider: playwright({
          launchOptions: launchOptions(
            {
              APO_CHROMIUM: process.env['APO_CHROMIUM'],
              APO_CHROMIUM_LIBRARIES: process.env['APO_CHROMIUM_LIBRARIES'],
            },
            { webgpu },
          ),
        }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}
