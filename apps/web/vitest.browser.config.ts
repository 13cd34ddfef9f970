/** Tests of the built site in Chromium: Node drives it through Playwright. tools/test-browser.mjs finds the browser. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@apo/source', 'module', 'node', 'development|production'] },
  ssr: { resolve: { conditions: ['@apo/source', 'module', 'node', 'development|production'] } },
  test: {
    include: ['test/**/*.page.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest-browser.json' },
  },
});
